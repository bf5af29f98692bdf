"""Who spoke when, measured on the development recordings beside the checkout.

    python bench/diarize.py [--audio FOLDER] [--words] [--hours 4] [--only conversations,ami,short]

Diarization error rates (DER; overlapped speech is scored) without a collar and with 0.25 s on each side of every
reference boundary, and how often the number of speakers is right. ``--words`` also transcribes the conversations and
gives cpWER: the word error rate of each speaker's words under the assignment of speakers that makes it least.
``count_short`` and ``der_short`` are of meetings of 20 to 77 s with one to five people, built by seed.
``der_rttm`` is the error rate of the conversations' exported RTTM, ``der_rttm_words`` that with ``turns=words``.
``--hours`` diarizes the longest recording joined to itself, for its time and its peak memory against the recording
alone, each in a process of its own.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
import warnings
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import jiwer
import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment
from whisper_normalizer.english import EnglishTextNormalizer

from bench.diarize_recordings import FULL_SCALE, GROUPS, SHORT, Recording, recordings, turns_of_rttm
from bench.local_file import DEV_AUDIO, as_stage_process, decoded_samples
from bench.pieces import cut_into_pieces
from echoic.engines.protocols import AudioReader, DiarizeOptions, TranscribeOptions
from echoic.engines.registry import Engines
from echoic.formats import rttm
from echoic.formats.options import TurnSource, WriteOptions
from echoic.records import Audio, Diarization, Segment, SpeakerTurn, Transcript
from echoic.settings import Settings
from echoic.units import SAMPLE_RATE
from echoic.voices.attribution import attribute

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from pyannote.core import Annotation, Segment as Stretch, Timeline
    from pyannote.metrics.diarization import DiarizationErrorRate

LANGUAGE = "en"
COLLAR_SECONDS = 0.5
"""Whole width around a boundary, as pyannote.metrics takes it: 0.25 s on each side."""
MEGABYTE = 1_048_576


@dataclass(frozen=True, kw_only=True)
class Errors:
    """Seconds of speech and of errors, summed over speakers."""

    speech: float = 0.0
    missed: float = 0.0
    false_alarm: float = 0.0
    confused: float = 0.0

    def __add__(self, other: "Errors") -> "Errors":
        return Errors(
            speech=self.speech + other.speech,
            missed=self.missed + other.missed,
            false_alarm=self.false_alarm + other.false_alarm,
            confused=self.confused + other.confused,
        )

    @property
    def rate(self) -> float:
        return 100 * (self.missed + self.false_alarm + self.confused) / self.speech


@dataclass(frozen=True, kw_only=True)
class Score:
    recording: Recording
    strict: Errors
    with_collar: Errors
    speakers_found: int
    seconds: float
    rttm: Errors
    """Of the exported turns."""
    rttm_words: Errors | None = None
    """Of the exported turns that are made of the words."""
    word_errors: int | None = None
    words: int = 0


def reader(samples: NDArray[np.int16]) -> AudioReader:
    def read(start: float, end: float) -> Audio:
        wanted = samples[round(start * SAMPLE_RATE) : round(end * SAMPLE_RATE)]
        return np.asarray(wanted, dtype=np.float32) / np.float32(FULL_SCALE)

    return read


def measure(recording: Recording, engines: Engines, settings: Settings, *, words: bool) -> Score:
    samples = recording.samples(settings)
    started = time.perf_counter()
    with engines.diarizer.use() as diarizer:
        found = diarizer.diarize(reader(samples), len(samples) / SAMPLE_RATE, options=DiarizeOptions())
    elapsed = time.perf_counter() - started
    score = Score(
        recording=recording,
        strict=_errors(recording, found.turns, 0.0),
        with_collar=_errors(recording, found.turns, COLLAR_SECONDS),
        rttm=_errors(recording, exported(found, (), "speech"), 0.0),
        speakers_found=len(found.speakers),
        seconds=elapsed,
    )
    if not (words and recording.spoken):
        return score
    segments = attribute(transcribed(reader(samples)(0.0, len(samples) / SAMPLE_RATE), engines), found.exclusive)
    word_errors, number = speaker_word_errors(recording.spoken, segments)
    rttm_words = _errors(recording, exported(found, segments, "words"), 0.0)
    return replace(score, rttm_words=rttm_words, word_errors=word_errors, words=number)


def exported(found: Diarization, segments: Sequence[Segment], source: TurnSource) -> list[SpeakerTurn]:
    """Return the turns that stand in the RTTM of a transcript."""
    transcript = Transcript(
        item_id=1, title="", language=None, duration_seconds=None, segments=tuple(segments), turns=found.turns
    )
    return list(turns_of_rttm(rttm.write(transcript, WriteOptions(turns=source))))


def _errors(recording: Recording, turns: Sequence[SpeakerTurn], collar: float) -> Errors:
    metric = DiarizationErrorRate(collar=collar, skip_overlap=False)
    whole = Timeline([Stretch(0.0, recording.duration_seconds)])
    detail = metric(_annotation(recording.turns), _annotation(turns), uem=whole, detailed=True)
    return Errors(
        speech=detail["total"],
        missed=detail["missed detection"],
        false_alarm=detail["false alarm"],
        confused=detail["confusion"],
    )


def _annotation(turns: Sequence[SpeakerTurn]) -> Any:
    annotation = Annotation()
    for number, turn in enumerate(turns):
        annotation[Stretch(turn.start, turn.end), number] = turn.speaker
    return annotation


def transcribed(audio: Audio, engines: Engines) -> list[Segment]:
    segments = []
    with engines.speech_detector.use() as detector, engines.transcriber.use() as transcriber:
        for piece in cut_into_pieces([audio], detector):
            heard = transcriber.transcribe(piece.audio, options=TranscribeOptions(language=LANGUAGE))
            segments += [_later(segment, piece.start) for segment in heard.segments]
    return segments


def _later(segment: Segment, seconds: float) -> Segment:
    words = tuple(replace(word, start=word.start + seconds, end=word.end + seconds) for word in segment.words)
    return replace(segment, start=segment.start + seconds, end=segment.end + seconds, words=words)


def speaker_word_errors(spoken: Sequence[tuple[str, str]], segments: Sequence[Segment]) -> tuple[int, int]:
    """Word errors under the best assignment of found to true speakers, and the number of true words."""
    normalize = EnglishTextNormalizer()
    true = _by_speaker(spoken, normalize)
    said = _by_speaker([(segment.speaker or "", segment.text) for segment in segments], normalize)
    # Square, with empty texts: a speaker without a partner is all deletions or all insertions.
    size = max(len(true), len(said))
    true += [""] * (size - len(true))
    said += [""] * (size - len(said))
    costs = np.array([[_word_errors(reference, heard) for heard in said] for reference in true])
    rows, columns = linear_sum_assignment(costs)
    return int(costs[rows, columns].sum()), sum(len(reference.split()) for reference in true)


def _by_speaker(parts: Sequence[tuple[str, str]], normalize: Callable[[str], str]) -> list[str]:
    texts: dict[str, list[str]] = defaultdict(list)
    for speaker, text in parts:
        texts[speaker].append(text)
    return [normalize(" ".join(words)) for words in texts.values()]


def _word_errors(reference: str, heard: str) -> int:
    if not reference or not heard:
        return len(reference.split()) + len(heard.split())
    measured = jiwer.process_words(reference, heard)
    return int(measured.substitutions + measured.deletions + measured.insertions)


def table(scores: Sequence[Score]) -> Iterator[str]:
    yield (
        f"{'file':<32} {'DER %':>6} {'±0.25':>6} {'missed':>7} {'false':>6} {'conf.':>6} {'speakers':>9}"
        f" {'cpWER %':>8} {'RTF':>6}"
    )
    for one in scores:
        name = str(one.recording.path.relative_to(one.recording.path.parents[1]))
        yield _row(name, [one], f"{one.speakers_found} of {len(one.recording.speakers)}")
    for group in sorted({one.recording.group for one in scores}):
        some = [one for one in scores if one.recording.group == group]
        yield _row(f"{group}, all", some, f"{count_accuracy(some):.0f} %")


def _row(name: str, scores: Sequence[Score], speakers: str) -> str:
    strict = sum((one.strict for one in scores), Errors())
    collar = sum((one.with_collar for one in scores), Errors())
    shares = [100 * part / strict.speech for part in (strict.missed, strict.false_alarm, strict.confused)]
    return (
        f"{name:<32} {strict.rate:>6.2f} {collar.rate:>6.2f} {shares[0]:>7.2f} {shares[1]:>6.2f} {shares[2]:>6.2f}"
        f" {speakers:>9} {speaker_word_error_rate(scores):>8} {real_time_factor(scores):>6.3f}"
    )


def count_accuracy(scores: Sequence[Score]) -> float:
    return 100 * sum(one.speakers_found == len(one.recording.speakers) for one in scores) / len(scores)


def speaker_word_error_rate(scores: Sequence[Score]) -> str:
    known = [one for one in scores if one.word_errors is not None]
    return f"{100 * sum(one.word_errors or 0 for one in known) / sum(one.words for one in known):.2f}" if known else "-"


def real_time_factor(scores: Sequence[Score]) -> float:
    return sum(one.seconds for one in scores) / sum(one.recording.duration_seconds for one in scores)


def long_recording(path: Path, settings: Settings, hours: float, folder: Path) -> dict[str, str]:
    """Time and peak memory of a recording alone, and joined to itself to so many hours."""
    pcm = decoded_samples(path, settings).tobytes()
    short, long = folder / "short.pcm", folder / "long.pcm"
    short.write_bytes(pcm)
    with long.open("wb") as file:
        for _ in range(round(hours * 3600 * SAMPLE_RATE * 2 / len(pcm))):
            file.write(pcm)
    one, many = _in_own_process(short), _in_own_process(long)
    for name, figures in (("alone", one), ("joined", many)):
        print(
            f"{path.name} {name}: {figures['duration']:.0f} s, {figures['speakers']:.0f} speakers,"
            f" {figures['seconds']:.1f} s (RTF {figures['seconds'] / figures['duration']:.4f}),"
            f" peak {figures['peak_mb']:.0f} MB"
        )
    pace = (many["seconds"] / many["duration"]) / (one["seconds"] / one["duration"])
    return {
        "peak_mb": f"{one['peak_mb']:.0f}",
        "peak_long_mb": f"{many['peak_mb']:.0f}",
        "memory_ratio": f"{many['peak_mb'] / one['peak_mb']:.3f}",
        "time_ratio": f"{pace:.3f}",
    }


def _in_own_process(pcm: Path) -> dict[str, float]:
    done = subprocess.run([sys.executable, __file__, "--pcm", str(pcm)], check=True, capture_output=True, text=True)
    figures: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return figures


def alone(pcm: Path) -> None:
    """Diarize raw samples that are read from the file as they are needed, and say what it took."""
    samples = np.memmap(pcm, dtype="<i2", mode="r")
    with tempfile.TemporaryDirectory() as folder:
        engines = Engines(Settings(data_dir=Path(folder), diarizer="onnx"))
        with engines.diarizer.use() as diarizer:
            started = time.perf_counter()
            found = diarizer.diarize(file_reader(pcm), len(samples) / SAMPLE_RATE, options=DiarizeOptions())
            elapsed = time.perf_counter() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / MEGABYTE
    figures = {"seconds": elapsed, "duration": len(samples) / SAMPLE_RATE, "speakers": len(found.speakers)}
    print(json.dumps({**figures, "peak_mb": peak}))


def file_reader(pcm: Path) -> AudioReader:
    """Reads without a mapping, whose pages would count as this process's memory."""

    def read(start: float, end: float) -> Audio:
        first = round(start * SAMPLE_RATE)
        count = max(0, round(end * SAMPLE_RATE) - first)
        return np.fromfile(pcm, dtype="<i2", count=count, offset=2 * first).astype(np.float32) / np.float32(FULL_SCALE)

    return read


def summary(scores: Sequence[Score]) -> dict[str, str]:
    conversations = [one for one in scores if one.recording.group == "conversations"]
    ami = [one for one in scores if one.recording.group == "ami"]
    short = [one for one in scores if one.recording.group == SHORT]

    def rate(some: Sequence[Score], errors: Callable[[Score], Errors]) -> str:
        return f"{sum((errors(one) for one in some), Errors()).rate:.2f}" if some else "-"

    return {
        "der_conversations": rate(conversations, lambda one: one.strict),
        "der_conversations_collar": rate(conversations, lambda one: one.with_collar),
        "der_ami": rate(ami, lambda one: one.strict),
        "der_ami_collar": rate(ami, lambda one: one.with_collar),
        "count_accuracy": f"{count_accuracy(conversations):.0f}" if conversations else "-",
        "count_accuracy_ami": f"{count_accuracy(ami):.0f}" if ami else "-",
        "count_short": f"{count_accuracy(short):.0f}" if short else "-",
        "der_short": rate(short, lambda one: one.strict),
        "der_rttm": rate(conversations, lambda one: one.rttm),
        "der_rttm_words": rate(
            [one for one in conversations if one.rttm_words], lambda one: one.rttm_words or Errors()
        ),
        "cpwer": speaker_word_error_rate(conversations),
        "rtf": f"{real_time_factor(scores):.4f}",
    }


def main() -> None:
    as_stage_process()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--audio", type=Path, default=DEV_AUDIO)
    parser.add_argument("--only", default="", help=f"groups, separated by commas: {', '.join(GROUPS)}")
    parser.add_argument("--words", action="store_true", help="transcribe, too, for cpWER")
    parser.add_argument("--hours", type=float, default=0.0, help="length of the joined recording; 0 leaves it out")
    parser.add_argument("--pcm", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.pcm:
        alone(arguments.pcm)
        return
    groups = {group for group in arguments.only.split(",") if group}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        settings = Settings(data_dir=folder, transcriber="faster-whisper", diarizer="onnx")
        engines = Engines(settings)
        with engines.diarizer.use():
            pass  # Loading is not what is measured.
        scores = [
            measure(recording, engines, settings, words=arguments.words)
            for recording in recordings(arguments.audio, groups, settings)
        ]
        engines.close()
        for line in table(scores):
            print(line)
        figures = summary(scores)
        if arguments.hours:
            longest = max(scores, key=lambda one: one.recording.duration_seconds).recording.path
            figures |= long_recording(longest, settings, arguments.hours, folder)
    print(" ".join(f"{name}={value}" for name, value in figures.items()))


if __name__ == "__main__":
    main()
