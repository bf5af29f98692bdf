"""Which containers and codecs are opened, and how; what a probe reports about them."""

from typing import TYPE_CHECKING, BinaryIO, NoReturn

from echoic.engines.decoder import wire
from echoic.engines.decoder.pipes import RemoteFile

if TYPE_CHECKING:
    from av.audio.stream import AudioStream
    from av.codec import CodecContext
    from av.container import InputContainer

# Whatever opens further files by itself (playlists, concatenations, streams), draws pictures or writes subtitles is
# not in here, and so is never asked whether a file is its own.
CONTAINERS = (
    *("aac", "aiff", "amr", "amrnb", "amrwb", "asf", "au", "avi", "caf", "flac", "matroska", "webm"),
    *("mov", "mp4", "m4a", "3gp", "3g2", "mp3", "ogg", "w64", "wav", "wv"),
)
CODECS = (
    *("aac", "ac3", "alac", "amrnb", "amrwb", "eac3", "flac", "g726", "gsm", "gsm_ms", "mp2float", "mp3float", "opus"),
    *("adpcm_ima_qt", "adpcm_ima_wav", "adpcm_ms", "speex", "vorbis", "wavpack"),
    *("pcm_alaw", "pcm_mulaw", "pcm_s8", "pcm_u8", "pcm_s16be", "pcm_s16le", "pcm_s24be", "pcm_s24le", "pcm_s32be"),
    *("pcm_s32le", "pcm_f32be", "pcm_f32le", "pcm_f64be", "pcm_f64le"),
    *("wmalossless", "wmapro", "wmav1", "wmav2", "wmavoice"),
)
NICE_NAMES = {"mov,mp4,m4a,3gp,3g2,mj2": "mp4", "matroska,webm": "matroska"}

MAX_SAMPLE_RATE = 768_000
"""Samples per second; a filter for a rate that nothing records at may take any amount of memory."""
MAX_TAGS = 32
MAX_TAG_CHARS = 500


class Refused(Exception):
    """The file is not decoded, for one of the reasons in ``wire``."""

    def __init__(self, reason: bytes) -> None:
        super().__init__(reason)
        self.reason = reason


def open_container(source: BinaryIO | RemoteFile) -> "InputContainer":
    """Open the source if it is one of ``CONTAINERS``. Raises ``Refused``."""
    import av

    try:
        return av.open(
            source,
            mode="r",
            # The whitelists are FFmpeg's own: the first decides before a demuxer sees a byte, the second keeps
            # pictures and video from being decoded while the streams are looked over.
            options={"codec_whitelist": ",".join(CODECS)},
            container_options={"format_whitelist": ",".join(CONTAINERS), "protocol_whitelist": "none"},
            metadata_errors="replace",
            buffer_size=wire.BLOCK_BYTES,
            io_open=_refuse_to_open,
        )
    except av.error.MemoryError:
        raise
    except av.error.FFmpegError as error:
        raise Refused(wire.UNKNOWN_CONTAINER) from error


def choose_stream(container: "InputContainer") -> "AudioStream":
    """The first audio stream with a codec of ours; only its packets are read. Raises ``Refused``."""
    from av.stream import Discard

    audio = container.streams.audio
    if not audio:
        raise Refused(wire.NO_AUDIO_STREAM)
    chosen = next((stream for stream in audio if _decodable(stream)), None)
    if chosen is None:
        raise Refused(wire.CODEC_REFUSED)
    for stream in container.streams:
        if stream is not chosen:
            stream.discard = Discard.all
    chosen.codec_context.thread_count = 1
    return chosen


def describe(container: "InputContainer", stream: "AudioStream", duration_seconds: float | None) -> dict[str, object]:
    """The fields of ``records.MediaInfo``."""
    tags = {**stream.metadata, **container.metadata}
    return {
        "container": NICE_NAMES.get(container.format.name, container.format.name),
        "codec": stream.codec_context.codec.canonical_name,
        "duration_seconds": duration_seconds,
        "sample_rate": stream.codec_context.sample_rate,
        "channels": stream.codec_context.layout.nb_channels,
        "tags": {key.lower()[:MAX_TAG_CHARS]: tags[key][:MAX_TAG_CHARS] for key in list(tags)[:MAX_TAGS]},
    }


def declared_seconds(container: "InputContainer", stream: "AudioStream") -> float | None:
    """The duration the file claims, which may be wrong."""
    import av

    if stream.duration and stream.time_base:
        return float(stream.duration * stream.time_base)
    return container.duration / av.time_base if container.duration else None


def _decodable(stream: "AudioStream") -> bool:
    # A stream whose codec FFmpeg does not know has no context, whatever the types say.
    context: CodecContext | None = stream.codec_context
    return context is not None and context.codec.name in CODECS and 0 < stream.sample_rate <= MAX_SAMPLE_RATE


def _refuse_to_open(*_: object) -> NoReturn:
    raise PermissionError("Media may not open further files.")
