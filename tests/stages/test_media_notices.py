"""What the decode stage says of a file that is not whole, or of which not all is taken."""

from typing import Any

import pytest

from echoic.notices import Notice
from echoic.records import MediaInfo, TrackLeftOut
from echoic.stages.media_notices import notices_of


def info(**changes: Any) -> MediaInfo:
    return MediaInfo(
        container="wav", codec="pcm_s16le", duration_seconds=5.5, sample_rate=16_000, channels=1, **changes
    )


def said(**changes: Any) -> dict[str, Notice]:
    return {notice.code: notice for notice in notices_of(info(**changes), size_bytes=602_968)}


def test_a_whole_file_needs_no_word() -> None:
    assert said() == {}


@pytest.mark.parametrize(
    ("changes", "code", "message", "detail"),
    [
        (
            {"told_seconds": 11.0},
            "file_ends_early",
            "The file says that it is 11.0 s long; it holds 5.5 s.",
            {"told_seconds": 11.0, "decoded_seconds": 5.5},
        ),
        (
            {"unread_bytes": 250_924},
            "bytes_not_read",
            "250,924 of the file's 602,968 bytes could not be read as audio.",
            {"unread_bytes": 250_924, "size_bytes": 602_968},
        ),
        (
            {"skipped_seconds": 4000.0},
            "clock_jumped",
            "The file's clock jumps ahead by 4,000 s in all; no silence stands there, so what follows comes earlier.",
            {"skipped_seconds": 4000.0},
        ),
        (
            {"damaged_seconds": 2.5},
            "sound_damaged",
            "2.5 s of the recording are damaged and could not be decoded.",
            {"damaged_seconds": 2.5},
        ),
    ],
)
def test_what_is_missing_is_told_with_its_figures(
    changes: dict[str, Any], code: str, message: str, detail: dict[str, Any]
) -> None:
    notice = said(**changes)[code]
    assert (notice.message, notice.detail) == (message, detail)


def test_the_loss_of_a_short_word_is_told() -> None:
    assert (
        said(damaged_seconds=0.3)["sound_damaged"].message
        == "0.3 s of the recording are damaged and could not be decoded."
    )


def test_what_decoders_skip_at_the_beginning_of_whole_files_is_no_damage() -> None:
    assert said(damaged_seconds=0.06) == {}


def test_tracks_that_are_left_out_are_named_with_the_reason() -> None:
    notice = said(
        tracks_left_out=(
            TrackLeftOut(track=2, reason="language", codec="AAC", language="ger", title=""),
            TrackLeftOut(track=3, reason="commentary", codec="AC-3", language="", title="Commentary"),
        )
    )["tracks_left_out"]
    assert notice.message == (
        "Audio tracks of the file are not part of the transcript: track 2 (language ger, AAC), in another language; "
        "track 3 (Commentary, AC-3), a commentary or a dubbed version."
    )
    assert [track["track"] for track in notice.detail["tracks"]] == [2, 3]


def test_what_had_arrived_of_an_abandoned_upload_is_named_first() -> None:
    first, second = notices_of(info(unread_bytes=10), size_bytes=100, is_abandoned=True)
    assert (first.code, first.detail) == ("upload_abandoned", {"decoded_seconds": 5.5})
    assert "5.5 s of the recording had arrived" in first.message
    assert second.code == "bytes_not_read"
