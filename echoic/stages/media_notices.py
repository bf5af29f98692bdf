"""Makes notices of a decoded file: tracks left out, an end that came early, bytes that were no sound."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict

from echoic.notices import Notice
from echoic.records import MediaInfo, TrackLeftOut, milliseconds

MIN_DAMAGED_SECONDS = 0.25
"""Less lost sound gives no notice: it holds no word, and decoders skip some hundredths of a second in many whole files."""
REASONS: Mapping[str, str] = {
    "language": "in another language",
    "commentary": "a commentary or a dubbed version",
    "codec": "coded in a way that cannot be decoded",
    "rate": "of a sample rate that nothing is recorded at",
    "encrypted": "encrypted",
    "too_many": "beyond the number that is read",
}


def notices_of(info: MediaInfo, *, size_bytes: int, is_abandoned: bool = False) -> tuple[Notice, ...]:
    """Return the notices of a decoded file; ``is_abandoned`` says that it is what had arrived of an upload. Pure."""
    found = tuple(_notices(info, size_bytes))
    if not is_abandoned:
        return found
    decoded = milliseconds(info.duration_seconds or 0.0)
    message = f"The upload was never taken up again after it broke off; {decoded:,.1f} s of the recording had arrived."
    return (Notice(code="upload_abandoned", message=message, detail={"decoded_seconds": decoded}), *found)


def _notices(info: MediaInfo, size_bytes: int) -> Iterator[Notice]:
    if info.tracks_left_out:
        tracks = "; ".join(_described(track) for track in info.tracks_left_out)
        yield Notice(
            code="tracks_left_out",
            message=f"Audio tracks of the file are not part of the transcript: {tracks}.",
            detail={"tracks": [asdict(track) for track in info.tracks_left_out]},
        )
    decoded = info.duration_seconds or 0.0
    if info.told_seconds is not None:
        yield Notice(
            code="file_ends_early",
            message=f"The file says that it is {info.told_seconds:,.1f} s long; it holds {decoded:,.1f} s.",
            detail={"told_seconds": milliseconds(info.told_seconds), "decoded_seconds": milliseconds(decoded)},
        )
    if info.damaged_seconds >= MIN_DAMAGED_SECONDS:
        yield Notice(
            code="sound_damaged",
            message=f"{info.damaged_seconds:,.1f} s of the recording are damaged and could not be decoded.",
            detail={"damaged_seconds": milliseconds(info.damaged_seconds)},
        )
    if info.unread_bytes:
        yield Notice(
            code="bytes_not_read",
            message=f"{info.unread_bytes:,} of the file's {size_bytes:,} bytes could not be read as audio.",
            detail={"unread_bytes": info.unread_bytes, "size_bytes": size_bytes},
        )
    if info.skipped_seconds:
        yield Notice(
            code="clock_jumped",
            message=(
                f"The file's clock jumps ahead by {info.skipped_seconds:,.0f} s in all; no silence stands there, so what follows "
                "comes earlier."
            ),
            detail={"skipped_seconds": milliseconds(info.skipped_seconds)},
        )


def _described(track: TrackLeftOut) -> str:
    facts = [text for text in (track.title, track.language and f"language {track.language}", track.codec) if text]
    return f"track {track.track} ({', '.join(facts)}), {REASONS.get(track.reason, track.reason)}"
