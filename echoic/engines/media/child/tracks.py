"""Choice of the audio tracks to transcribe: all that are parts of the same talk, and one of several versions of it."""

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from echoic.engines.media import wire
from echoic.engines.media.child.container import Refused, codec_name, is_decodable, rate_is_taken

if TYPE_CHECKING:
    from av.audio.stream import AudioStream
    from av.codec import CodecContext
    from av.container import InputContainer

MAX_TRACKS = 16
"""Each is read by a reader of its own."""
MAX_TEXT_CHARACTERS = 60
NO_LANGUAGE = ("", "und", "mis", "mul", "zxx")
_COMMENTARY = re.compile(r"(?i)\bcommentar(?:y|ies)\b|\baudio.?descri|\bdescriptive\b|\bvisually impaired\b")


@dataclass(frozen=True, kw_only=True, slots=True)
class LeftOut:
    """An audio track that is not transcribed."""

    track: int
    """Its number among the audio tracks, from 1."""
    reason: str
    """``language``, ``commentary``, ``codec``, ``rate``, ``encrypted`` or ``too_many``."""
    codec: str
    language: str
    title: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Choice:
    """The tracks of a container, told apart."""

    indexes: tuple[int, ...]
    """Numbers of the streams that count, in order; the first is the one that describes the file."""
    left_out: tuple[LeftOut, ...]


def choose_tracks(container: "InputContainer", entries: list[bytes], encryption: str | None) -> Choice:
    """Choose among the audio streams. ``entries`` say how an MP4 or WAV file names the codec of each stream. Raises ``Refused``.

    Tracks of a call, or of several microphones, are parts of one talk and all count. Where tracks name different
    languages, or say that they comment on the picture, they are versions of it, of which the default one is taken.
    """
    from av.stream import Disposition

    audio = list(container.streams.audio)
    if not audio:
        raise Refused(wire.NO_AUDIO_STREAM, _video_codec(container))
    reasons = {stream.index: _obstacle(stream, entries, encryption) for stream in audio}
    usable = [stream for stream in audio if reasons[stream.index] is None]
    if not usable:
        raise _refusal(audio[0], reasons[audio[0].index] or "codec", entries, encryption)
    aside = Disposition.comment | Disposition.visual_impaired | Disposition.dub | Disposition.karaoke
    main = [
        stream
        for stream in usable
        if not stream.disposition & aside and not _COMMENTARY.search(stream.metadata.get("title", ""))
    ] or usable[:1]
    default = next((stream for stream in main if stream.disposition & Disposition.default), main[0])
    languages = {_language(stream) for stream in main} - {""}
    alike = [stream for stream in main if len(languages) < 2 or _language(stream) == _language(default)]  # noqa: PLR2004
    chosen = alike[:MAX_TRACKS]
    for group, reason in ((usable, "commentary"), (main, "language"), (alike, "too_many")):
        reasons.update({stream.index: reason for stream in group})
    taken = {stream.index for stream in chosen}
    return Choice(
        indexes=tuple(stream.index for stream in chosen),
        left_out=tuple(
            LeftOut(
                track=number,
                reason=reasons[stream.index] or "codec",
                codec=codec_name(stream)[:MAX_TEXT_CHARACTERS],
                language=_language(stream)[:MAX_TEXT_CHARACTERS],
                title=stream.metadata.get("title", "")[:MAX_TEXT_CHARACTERS],
            )
            for number, stream in enumerate(audio, 1)
            if stream.index not in taken
        )[:MAX_TRACKS],
    )


def _obstacle(stream: "AudioStream", entries: list[bytes], encryption: str | None) -> str | None:
    from echoic.engines.media.child.protection import ENTRIES

    entry = entries[stream.index] if stream.index < len(entries) else b""
    if entry in ENTRIES or encryption is not None:
        return "encrypted"
    if not is_decodable(stream):
        return "codec"
    return None if rate_is_taken(stream.sample_rate) else "rate"


def _refusal(stream: "AudioStream", reason: str, entries: list[bytes], encryption: str | None) -> Refused:
    from echoic.engines.media.child.protection import ENTRIES

    entry = entries[stream.index] if stream.index < len(entries) else b""
    if reason == "encrypted":
        return Refused(wire.ENCRYPTED, encryption or ENTRIES[entry])
    if reason == "rate":
        return Refused(wire.RATE_REFUSED, str(stream.sample_rate))
    return Refused(wire.CODEC_REFUSED, codec_name(stream) or entry.decode("latin-1"))


def _language(stream: "AudioStream") -> str:
    language = (stream.language or "").lower()
    return "" if language in NO_LANGUAGE else language


def _video_codec(container: "InputContainer") -> str:
    # A stream whose codec FFmpeg does not know has no context, whatever the types say.
    contexts: list[CodecContext | None] = [stream.codec_context for stream in container.streams.video]
    return next((context.codec.canonical_name for context in contexts if context is not None), "")
