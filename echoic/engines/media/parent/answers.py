"""Answers of the decoding process, checked and put into words; nothing of them is believed."""

import json
import math
import re
from collections.abc import Mapping
from typing import Any

from echoic import errors
from echoic.engines.media import wire
from echoic.engines.media.child.container import MAX_SAMPLE_RATE, MIN_SAMPLE_RATE
from echoic.engines.media.child.signatures import FOREIGN
from echoic.engines.media.parent.child_process import overstepped
from echoic.records import MediaInfo, TrackLeftOut, VoiceBalance

CONTAINERS = "WAV, AIFF, MP3, AAC, M4A and MP4, Ogg, FLAC, Matroska and WebM, WMA, AVI, AMR, CAF, AU, WavPack"
CODECS = "PCM, AAC, MP3, Opus, Vorbis, FLAC, ALAC, AC-3, WMA, AMR, Speex, GSM, G.711, G.722, G.723.1, G.726, IMA and MS ADPCM"
"""For people: what the lists in ``engines.media.child.container`` let through."""
MAX_TEXT_CHARACTERS = 500
_NOTHING_DECODED = (
    "The file holds no audio that can be decoded: what should follow its head is missing or damaged. Send it again."
)
_UNPRINTABLE = re.compile(r"[^\x20-\x7e\xa0-\uffff]")


def failure(mode: str, payload: bytes) -> errors.EchoicError:
    """Why nothing was decoded, by a message ``FAILED``."""
    reason, _, detail = payload.partition(wire.DETAIL_MARK)
    found = readable(detail)
    if reason == wire.NOTHING_DECODED:
        return errors.NotAudio(_NOTHING_DECODED) if mode == wire.PROBE else errors.MediaUnreadable()
    if reason == wire.TOO_LONG:
        return errors.MediaTooLong()
    if reason == wire.OUT_OF_MEMORY:
        return errors.MediaLimitHit("Decoding used more memory than allowed.")
    sentence = _REFUSALS.get(reason)
    if sentence is None:
        return overstepped("an unknown reason")
    return errors.NotAudio(sentence(found))


def readable(text: bytes) -> str:
    """Return words of a child as they may stand in a message."""
    return _UNPRINTABLE.sub("", text.decode("utf-8", "replace")).strip()


def media_info(payload: bytes) -> MediaInfo:
    """Return what the file is, by a message ``DONE``. Raises ``errors.MediaUnreadable``."""
    try:
        found = json.loads(payload)
        duration = found["duration_seconds"]
        info = MediaInfo(
            container=_clean(found["container"]),
            codec=_clean(found["codec"]),
            duration_seconds=None if duration is None else float(duration),
            sample_rate=int(found["sample_rate"]),
            channels=int(found["channels"]),
            tags={_clean(key): _clean(value) for key, value in found["tags"].items()},
            **_findings(found),
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise overstepped("a malformed description") from error
    seconds = (info.duration_seconds, info.told_seconds, info.damaged_seconds, info.skipped_seconds)
    if not all(each is None or 0 <= each < math.inf for each in seconds):
        raise overstepped("an impossible duration")
    return info


def _findings(found: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is known only when all was decoded."""
    if "balance" not in found:
        return {}
    told = found["told_seconds"]
    return {
        "balance": VoiceBalance(int(found["balance"]["active"]), tuple(map(int, found["balance"]["alone"]))),
        "tracks_left_out": tuple(
            TrackLeftOut(
                track=int(each["track"]),
                **{name: _clean(each[name]) for name in ("reason", "codec", "language", "title")},
            )
            for each in found["tracks_left_out"]
        ),
        "told_seconds": None if told is None else float(told),
        "damaged_seconds": float(found["damaged_seconds"]),
        "unread_bytes": int(found["unread_bytes"]),
        "skipped_seconds": float(found["skipped_seconds"]),
        "recordings": int(found["recordings"]),
    }


def _clean(text: str) -> str:
    # Files hold anything; databases and JSON take no NUL and no half of a surrogate pair.
    return text.encode("utf-8", "replace").decode("utf-8").replace("\x00", "").strip()[:MAX_TEXT_CHARACTERS]


def _unknown_container(found: str) -> str:
    what = f"is {FOREIGN[found]}, not a recording" if found in FOREIGN else "is in no format that can be decoded"
    return f"The file {what}. Recordings may be {CONTAINERS}."


def _no_sound(found: str) -> str:
    picture = f" It has a picture ({found}) and no audio track." if found else " It has no audio track."
    return f"The file has no sound.{picture}"


def _codec(found: str) -> str:
    name = f"as {found}" if found else "in a way that is not known here"
    return f"The file's sound is coded {name}, which cannot be decoded. It may be {CODECS}."


def _rate(found: str) -> str:
    return f"The file's sample rate is said to be {found} Hz; it may be {MIN_SAMPLE_RATE:,} to {MAX_SAMPLE_RATE:,} Hz."


def _encrypted(found: str) -> str:
    return (
        f"The file is encrypted ({found or 'in an unknown way'}): only programs of the shop it comes from can play it. "
        "Send a recording without copy protection."
    )


def _index_missing(_: str) -> str:
    return (
        "The file is an MP4 without its index ('moov'), which stands at the end: the recording or the copy broke off. "
        "Send it again, or repair it first."
    )


def _head_alone(found: str) -> str:
    return (
        f"The file begins as a recording ({found}), but what should follow is missing or damaged: the recording or the "
        "copy broke off. Send it again."
    )


def _no_samples(_: str) -> str:
    return "The file is empty: it has the head of a recording and no sound behind it."


_REFUSALS = {
    wire.UNKNOWN_CONTAINER: _unknown_container,
    wire.NO_AUDIO_STREAM: _no_sound,
    wire.CODEC_REFUSED: _codec,
    wire.RATE_REFUSED: _rate,
    wire.ENCRYPTED: _encrypted,
    wire.INDEX_MISSING: _index_missing,
    wire.HEAD_ALONE: _head_alone,
    wire.NO_SAMPLES: _no_samples,
}
