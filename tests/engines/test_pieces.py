from collections.abc import Callable, Iterator, Sequence

import numpy as np
import pytest

from bench.pieces import cut_into_pieces
from echoic.engines.fake import FakeSpeechDetector
from echoic.engines.pieces import MIN_PIECE_SECONDS, piece_seconds
from echoic.engines.protocols import MAX_PIECE_SECONDS
from echoic.records import Audio, SpeechSpan
from echoic.units import SAMPLE_RATE


def noise(seconds: float) -> Audio:
    second = np.random.default_rng(7).uniform(-0.3, 0.3, SAMPLE_RATE).astype(np.float32)
    return np.resize(second, round(seconds * SAMPLE_RATE))


def with_silences(seconds: float, silences: Sequence[tuple[float, float]]) -> Audio:
    audio = noise(seconds)
    for start, end in silences:
        audio[round(start * SAMPLE_RATE) : round(end * SAMPLE_RATE)] = 0
    return audio


def windows(audio: Audio, seconds: float = 10.0) -> Iterator[Audio]:
    length = round(seconds * SAMPLE_RATE)
    for start in range(0, len(audio), length):
        yield audio[start : start + length]


class Talker(FakeSpeechDetector):
    """A detector that hears speech without end."""

    def detect_speech(self, audio: Audio) -> tuple[SpeechSpan, ...]:
        return (SpeechSpan(start=0.0, end=len(audio) / SAMPLE_RATE),)


def test_a_recording_of_up_to_ten_minutes_is_one_piece() -> None:
    for seconds in (0.5, MAX_PIECE_SECONDS):
        (piece,) = cut_into_pieces(windows(noise(seconds)), FakeSpeechDetector())
        assert (piece.start, piece.end) == (0.0, seconds)
        assert piece_seconds(piece.audio, FakeSpeechDetector(), final=True) == seconds


def test_no_audio_is_no_piece() -> None:
    assert list(cut_into_pieces([], FakeSpeechDetector())) == []


def test_the_cut_is_in_the_middle_of_the_longest_silence_after_five_minutes() -> None:
    audio = with_silences(700, [(100, 150), (310, 311), (400, 402), (500, 501)])

    assert piece_seconds(audio, FakeSpeechDetector(), final=False) == pytest.approx(401.0, abs=0.05)


def test_of_two_silences_alike_the_later_one_is_cut() -> None:
    audio = with_silences(700, [(400.0, 401.02), (500.02, 501.04)])

    assert piece_seconds(audio, FakeSpeechDetector(), final=False) == pytest.approx(500.53, abs=0.05)


def test_a_silence_that_begins_before_the_fifth_minute_counts_from_there() -> None:
    audio = with_silences(700, [(200, 301), (450, 452)])

    assert piece_seconds(audio, FakeSpeechDetector(), final=False) == pytest.approx(451.0, abs=0.05)


def test_silence_at_the_very_end_of_the_stretch_can_be_cut() -> None:
    audio = with_silences(700, [(590, 610)])

    assert piece_seconds(audio, FakeSpeechDetector(), final=False) == pytest.approx(595.0, abs=0.05)


def test_speech_that_never_pauses_is_cut_at_its_quietest_place() -> None:
    audio = noise(700)
    audio[round(420.0 * SAMPLE_RATE) : round(420.4 * SAMPLE_RATE)] *= 0.01

    assert piece_seconds(audio, Talker(), final=False) == pytest.approx(420.2, abs=0.2)


def test_total_silence_is_cut_as_well() -> None:
    audio = np.zeros(700 * SAMPLE_RATE, dtype=np.float32)

    assert MIN_PIECE_SECONDS <= piece_seconds(audio, FakeSpeechDetector(), final=False) <= MAX_PIECE_SECONDS


def test_a_piece_that_is_not_the_last_needs_all_the_audio_it_may_be_cut_from() -> None:
    with pytest.raises(ValueError, match="MAX_PIECE_SECONDS"):
        piece_seconds(noise(400), FakeSpeechDetector(), final=False)


@pytest.mark.parametrize("window_seconds", [3.7, 10.0, 2000.0])
def test_pieces_follow_each_other_lose_nothing_and_do_not_depend_on_the_windows(window_seconds: float) -> None:
    audio = with_silences(1500, [(333, 334), (700, 702), (1100, 1101)])

    pieces = list(cut_into_pieces(windows(audio, window_seconds), FakeSpeechDetector()))

    assert [piece.start for piece in pieces] == [0.0, *[piece.end for piece in pieces[:-1]]]
    assert [piece.end for piece in pieces] == pytest.approx([333.5, 701.0, 1100.5, 1500.0], abs=0.05)
    assert np.array_equal(np.concatenate([piece.audio for piece in pieces]), audio)


def test_a_run_that_starts_again_at_a_cut_finds_the_same_cuts_after_it() -> None:
    audio = with_silences(1500, [(333, 334), (700, 702), (1100, 1101)])
    whole = list(cut_into_pieces(windows(audio), FakeSpeechDetector()))

    again = audio[round(whole[0].end * SAMPLE_RATE) :]
    ends = [whole[0].end + piece.end for piece in cut_into_pieces(windows(again), FakeSpeechDetector())]

    assert ends == pytest.approx([piece.end for piece in whole[1:]], abs=1e-6)
    assert all(piece.end * 1000 == pytest.approx(round(piece.end * 1000), abs=1e-6) for piece in whole)


def test_memory_holds_little_more_than_a_piece(peak_of: Callable[[Callable[[], object]], int]) -> None:
    def run() -> None:
        silence = np.zeros(10 * SAMPLE_RATE, dtype=np.float32)
        for _ in cut_into_pieces((silence for _ in range(720)), Talker()):
            pass

    # Two hours would be 460 MB; ten minutes are 38, held in windows and once more joined, and one piece beside them.
    assert peak_of(run) < 150_000_000
