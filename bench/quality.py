"""Word error rates on the development recordings beside the checkout, through the real decoder and transcriber.

The last line has the entities' F1 as well, as ``bench/entities.py`` measures it.

Usage: python bench/quality.py [--audio FOLDER] [--tier fast|careful] [--only long,clips,…]
"""

import argparse
import json
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jiwer
from whisper_normalizer.english import EnglishTextNormalizer

from bench import entities
from bench.local_file import DEV_AUDIO, as_audio, as_stage_process, decoded_samples
from bench.pieces import cut_into_pieces
from echoic.engines.protocols import TranscribeOptions
from echoic.engines.registry import Engines
from echoic.records import Tier
from echoic.settings import Settings
from echoic.units import SAMPLE_RATE

LANGUAGE = "en"


@dataclass(frozen=True, kw_only=True)
class Recording:
    kind: str
    path: Path
    reference: str


@dataclass(frozen=True, kw_only=True)
class Score:
    recording: Recording
    audio_seconds: float
    transcribe_seconds: float
    words: int
    substitutions: int
    deletions: int
    insertions: int

    @property
    def errors(self) -> int:
        return self.substitutions + self.deletions + self.insertions


def recordings(folder: Path) -> list[Recording]:
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    found = []
    for entry in manifest["files"]:
        reference = _reference(folder, entry)
        if reference:
            path = folder / entry["file"]
            found.append(Recording(kind=path.parent.name, path=path, reference=reference))
    return found


def _reference(folder: Path, entry: dict[str, Any]) -> str:
    """The true text: in the manifest for clips, in a file of turns for what was joined from clips."""
    if entry.get("text"):
        return str(entry["text"])
    if "reference" not in entry:
        return ""
    turns = json.loads((folder / entry["reference"]).read_text(encoding="utf-8"))["segments"]
    return " ".join(turn["text"] for turn in turns)


def score(recording: Recording, engines: Engines, settings: Settings, tier: Tier) -> Score:
    audio = as_audio(decoded_samples(recording.path, settings))
    texts = []
    started = time.perf_counter()
    with engines.speech_detector.use() as detector, engines.transcriber.use() as transcriber:
        for piece in cut_into_pieces([audio], detector):
            heard = transcriber.transcribe(piece.audio, options=TranscribeOptions(language=LANGUAGE, tier=tier))
            texts += [segment.text for segment in heard.segments]
    elapsed = time.perf_counter() - started
    normalize = EnglishTextNormalizer()
    measured = jiwer.process_words(normalize(recording.reference), normalize(" ".join(texts)))
    return Score(
        recording=recording,
        audio_seconds=len(audio) / SAMPLE_RATE,
        transcribe_seconds=elapsed,
        words=measured.hits + measured.substitutions + measured.deletions,
        substitutions=measured.substitutions,
        deletions=measured.deletions,
        insertions=measured.insertions,
    )


def table(scores: Sequence[Score]) -> Iterator[str]:
    yield f"{'file':<44} {'words':>6} {'WER %':>6} {'sub':>4} {'del':>4} {'ins':>4} {'RTF':>6}"
    for one in scores:
        yield _row(str(one.recording.path.relative_to(one.recording.path.parents[1])), [one])
    for kind in sorted({one.recording.kind for one in scores}):
        yield _row(f"{kind}, all", [one for one in scores if one.recording.kind == kind])


def _row(name: str, scores: Sequence[Score]) -> str:
    counts = [sum(getattr(one, field) for one in scores) for field in ("substitutions", "deletions", "insertions")]
    return (
        f"{name:<44} {sum(one.words for one in scores):>6} {word_error_rate(scores):>6.2f}"
        f" {counts[0]:>4} {counts[1]:>4} {counts[2]:>4} {real_time_factor(scores):>6.3f}"
    )


def word_error_rate(scores: Sequence[Score]) -> float:
    return 100 * sum(one.errors for one in scores) / sum(one.words for one in scores)


def real_time_factor(scores: Sequence[Score]) -> float:
    return sum(one.transcribe_seconds for one in scores) / sum(one.audio_seconds for one in scores)


def entity_f1() -> float:
    """Of all types, on the half of the labelled sample that no rule was made from; ``bench/entities.py`` tells more."""
    scores, _ = entities.measure(entities.chosen("held_out", ""), bare=False)
    return entities.total(scores, None, exact=True).f1


def main() -> None:
    as_stage_process()
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--audio", type=Path, default=DEV_AUDIO)
    parser.add_argument("--tier", choices=["fast", "careful"], default="fast")
    parser.add_argument("--only", default="", help="folders of recordings, separated by commas")
    arguments = parser.parse_args()
    kinds = {kind for kind in arguments.only.split(",") if kind}
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(data_dir=Path(folder), transcriber="faster-whisper")
        engines = Engines(settings)
        with engines.transcriber.use():
            pass  # Loading is not what is measured.
        scores = [
            score(recording, engines, settings, arguments.tier)
            for recording in recordings(arguments.audio)
            if not kinds or recording.kind in kinds
        ]
        engines.close()
    for line in table(scores):
        print(line)
    long7 = [one for one in scores if one.recording.path.stem == "long7"]
    clips = [one for one in scores if one.recording.kind == "clips"]
    figures = {
        "wer_long7": f"{word_error_rate(long7):.2f}" if long7 else "-",
        "wer_clips": f"{word_error_rate(clips):.2f}" if clips else "-",
        "rtf_long7": f"{real_time_factor(long7):.3f}" if long7 else "-",
        "entity_f1": f"{entity_f1():.1f}",
    }
    print(" ".join(f"{name}={value}" for name, value in figures.items()))


if __name__ == "__main__":
    main()
