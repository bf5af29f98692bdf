"""Containers and codecs: those that are opened, how, and what a probe reports about them."""

from typing import TYPE_CHECKING, NoReturn

from echoic.engines.media import wire
from echoic.engines.media.child import complaints
from echoic.engines.media.child.pipes import BLOCK_BYTES
from echoic.engines.media.child.sections import Section

if TYPE_CHECKING:
    from av.audio.codeccontext import AudioCodecContext
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
    *(
        "aac",
        "ac3",
        "alac",
        "amrnb",
        "amrwb",
        "eac3",
        "flac",
        "g722",
        "g723_1",
        "g726",
        "gsm",
        "gsm_ms",
        "mp2float",
        "mp3float",
        "opus",
    ),
    *("adpcm_ima_qt", "adpcm_ima_wav", "adpcm_ms", "speex", "vorbis", "wavpack"),
    *("pcm_alaw", "pcm_mulaw", "pcm_s8", "pcm_u8", "pcm_s16be", "pcm_s16le", "pcm_s24be", "pcm_s24le", "pcm_s32be"),
    *("pcm_s32le", "pcm_f32be", "pcm_f32le", "pcm_f64be", "pcm_f64le"),
    *("wmalossless", "wmapro", "wmav1", "wmav2", "wmavoice"),
)
APPLE = ("aiff", "caf", "mov,mp4,m4a,3gp,3g2,mj2")
"""Containers that may name places of channels in any order."""
AVI, WAVPACK = "avi", "wv"
WAVPACK_CODEC = "wavpack"
"""FFmpeg decodes it to noise where it is damaged, unless it looks at the checksums."""
NICE_NAMES = {"mov,mp4,m4a,3gp,3g2,mj2": "mp4", "matroska,webm": "matroska"}

MIN_SAMPLE_RATE = 4_000
"""Samples per second; below it no speech can be understood, and a small file claims to be hours long."""
MAX_SAMPLE_RATE = 768_000
"""Samples per second; a filter for a rate that nothing records at may take any amount of memory."""
OPENING_BYTES = 4 * wire.READ_BYTES
"""Memory that opening a file takes at least."""
CHECKED = {"err_detect": "crccheck+explode"}
"""Options of a decoder that refuses what does not match its checksum."""
MAX_TAGS = 32
MAX_TAG_CHARS = 500


SEQUENTIAL = ("aac", "amr", "amrnb", "amrwb", "flac", "mp3", "ogg", "wav", "matroska,webm")
"""Containers that are read from the beginning on; what they say of their length is then theirs, not an estimate."""
BY_EXTENSION = {
    "mp3": "mp3",
    "mp2": "mp3",
    "mpa": "mp3",
    "mpga": "mp3",
    "aac": "aac",
    "adts": "aac",
    "flac": "flac",
    "ogg": "ogg",
    "oga": "ogg",
    "opus": "ogg",
    "spx": "ogg",
}
"""Containers in which sound is found behind anything; the name of a file decides where its bytes do not."""


class Refused(Exception):
    """The file is not decoded, for one of the reasons in ``wire``; with what was found."""

    def __init__(self, reason: bytes, found: str = "") -> None:
        super().__init__(reason, found)
        self.reason = reason
        self.found = found


def open_container(file: Section, format_name: str | None = None) -> "InputContainer":
    """Open the file if it is one of ``CONTAINERS``. Raises ``Refused`` and ``MemoryError``."""
    import av

    # PyAV and FFmpeg do not look whether their buffers could be had, and crash; Python does.
    bytearray(OPENING_BYTES)
    try:
        with complaints.opening():
            return av.open(
                file,
                mode="r",
                format=format_name,
                # The whitelists are FFmpeg's own: the first decides before a demuxer sees a byte, the second keeps
                # pictures and video from being decoded while the streams are looked over.
                options={"codec_whitelist": ",".join(CODECS)},
                container_options={"format_whitelist": ",".join(CONTAINERS), "protocol_whitelist": "none"},
                metadata_errors="replace",
                buffer_size=BLOCK_BYTES,
                io_open=_refuse_to_open,
            )
    except av.error.MemoryError:
        raise
    except av.error.FFmpegError as error:
        raise Refused(wire.UNKNOWN_CONTAINER) from error


def read_only(container: "InputContainer", index: int) -> "AudioStream":
    """Return the stream of that number, the only one whose packets are read."""
    from av.stream import Discard

    for stream in container.streams:
        if stream.index != index:
            stream.discard = Discard.all
    chosen: AudioStream = next(stream for stream in container.streams.audio if stream.index == index)
    chosen.codec_context.thread_count = 1
    if chosen.codec_context.name == WAVPACK_CODEC and container.format.name != WAVPACK:
        # The reader of that container decides by itself whether checksums count.
        chosen.codec_context.options = CHECKED
    if container.format.name in APPLE:
        _forget_odd_places(chosen.codec_context)
    return chosen


def _forget_odd_places(context: "AudioCodecContext") -> None:
    """Make channels unlabelled where FFmpeg keeps their places in a list.

    PyAV copies the address of that list and frees it with every copy: the process would die. Here the one copy takes it along.
    """
    layout = context.layout
    try:
        is_listed = "(" in layout.name or "+" in layout.name
    except (UnicodeDecodeError, RuntimeError):
        is_listed = True
    # Of a layout without a list there is nothing that could be freed twice.
    if is_listed:
        context.layout = f"{layout.nb_channels} channels"


def describe(container: "InputContainer", stream: "AudioStream", duration_seconds: float | None) -> dict[str, object]:
    """Return the fields of ``records.MediaInfo`` that say what the file is."""
    tags = {**stream.metadata, **container.metadata}
    return {
        "container": NICE_NAMES.get(container.format.name, container.format.name),
        "codec": stream.codec_context.codec.canonical_name,
        "duration_seconds": duration_seconds,
        "sample_rate": stream.codec_context.sample_rate,
        "channels": stream.codec_context.layout.nb_channels,
        "tags": {key.lower()[:MAX_TAG_CHARS]: tags[key][:MAX_TAG_CHARS] for key in list(tags)[:MAX_TAGS]},
    }


def in_words(container: "InputContainer", stream: "AudioStream") -> str:
    """Return what the file is, for people."""
    return f"{NICE_NAMES.get(container.format.name, container.format.name)}, {codec_name(stream)}"


def declared_seconds(container: "InputContainer", stream: "AudioStream") -> float | None:
    """Return the duration the file claims, which may be wrong."""
    import av

    if stream.duration and stream.time_base:
        return float(stream.duration * stream.time_base)
    return container.duration / av.time_base if container.duration else None


def is_decodable(stream: "AudioStream") -> bool:
    """Return whether the stream's codec is one of ``CODECS``."""
    # A stream whose codec FFmpeg does not know has no context, whatever the types say.
    context: CodecContext | None = stream.codec_context
    return context is not None and context.codec.name in CODECS


def codec_name(stream: "AudioStream") -> str:
    """Return the codec's full name; empty where FFmpeg does not know it."""
    context: CodecContext | None = stream.codec_context
    return "" if context is None else context.codec.long_name


def rate_is_taken(sample_rate: int) -> bool:
    """Return whether the sample rate is one at which speech is recorded."""
    return MIN_SAMPLE_RATE <= sample_rate <= MAX_SAMPLE_RATE


def _refuse_to_open(*_: object) -> NoReturn:
    raise PermissionError("Media may not open further files.")
