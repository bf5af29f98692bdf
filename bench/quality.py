"""Word error rates on the development recordings and on what is built from them, against the bare engine.

Through the real decoder and transcriber. ``bare`` is faster-whisper by itself with the same weights: one window after
the other, a beam of 5, its own filter of silence, all else as the library has it.

Usage: python bench/quality.py [--audio FOLDER] [--tier fast|careful] [--only long,clips,…] [--no-bare]
"""

import argparse
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import jiwer
from whisper_normalizer.basic import BasicTextNormalizer
from whisper_normalizer.english import EnglishTextNormalizer

from bench.local_file import DEV_AUDIO, as_stage_process
from bench.pieces import cut_into_pieces
from bench.quality_recordings import ENGLISH, KINDS, Recording, recordings
from echoic.engines.models.whisper import whisper_dir
from echoic.engines.protocols import TranscribeOptions
from echoic.engines.registry import Engines
from echoic.records import Tier
from echoic.settings import Settings
from echoic.stages.speech_account import speech_without_words
from echoic.units import SAMPLE_RATE

BARE_BEAM = 5
UNSPACED = {"ja", "zh", "th"}
"""Languages without spaces between words: their characters are counted."""


@dataclass(frozen=True, kw_only=True)
class Counts:
    """Errors in the words of one text."""

    words: int
    substitutions: int
    deletions: int
    insertions: int

    @property
    def errors(self) -> int:
        return self.substitutions + self.deletions + self.insertions


@dataclass(frozen=True, kw_only=True)
class Score:
    recording: Recording
    seconds: float
    """The time that the transcriber took."""
    processor_seconds: float
    """The processor time, in user and kernel mode, of all threads: other work on the machine changes it little."""
    unread_seconds: float
    counts: Counts
    bare: Counts | None = None

    @property
    def audio_seconds(self) -> float:
        return len(self.recording.audio) / SAMPLE_RATE


class Bare:
    """faster-whisper by itself. It is to hear everything before Echoic's own speech detector takes the library's place."""

    def __init__(self, settings: Settings) -> None:
        from faster_whisper import WhisperModel

        self._model = WhisperModel(
            str(whisper_dir(settings)),
            device="cpu",
            compute_type=settings.transcriber_compute_type,
            cpu_threads=settings.transcriber_threads,
            local_files_only=True,
        )

    def text(self, recording: Recording) -> str:
        language = recording.language if recording.is_told else None
        segments, _ = self._model.transcribe(recording.audio, language=language, beam_size=BARE_BEAM, vad_filter=True)
        return " ".join(segment.text for segment in segments)


def score(recording: Recording, engines: Engines, tier: Tier) -> Score:
    options = TranscribeOptions(language=recording.language if recording.is_told else None, tier=tier)
    texts: list[str] = []
    unread = 0.0
    elapsed = used = 0.0
    with engines.speech_detector.use() as detector, engines.transcriber.use() as transcriber:
        for piece in cut_into_pieces([recording.audio], detector):
            started, used_before = time.perf_counter(), time.process_time()
            heard = transcriber.transcribe(piece.audio, options=options)
            elapsed += time.perf_counter() - started
            used += time.process_time() - used_before
            texts += [segment.text for segment in heard.segments]
            spans = speech_without_words(detector, piece.audio, heard.segments, only_clear=False)
            unread += sum(span.end - span.start for span in spans)
    return Score(
        recording=recording,
        seconds=elapsed,
        processor_seconds=used,
        unread_seconds=unread,
        counts=counted(recording, " ".join(texts)),
    )


def counted(recording: Recording, text: str) -> Counts:
    """Compare a text with what was said, both normalized."""
    if recording.language == ENGLISH:
        normalize: Callable[[str], str] = EnglishTextNormalizer()
    else:
        normalize = BasicTextNormalizer(split_letters=recording.language in UNSPACED)
    measured = jiwer.process_words(normalize(recording.reference), normalize(text))
    return Counts(
        words=measured.hits + measured.substitutions + measured.deletions,
        substitutions=measured.substitutions,
        deletions=measured.deletions,
        insertions=measured.insertions,
    )


def table(scores: Sequence[Score]) -> Iterator[str]:
    yield (
        f"{'recording':<40} {'words':>6} {'WER %':>6} {'sub':>4} {'del':>4} {'ins':>4} {'unread':>7} {'RTF':>6} {'CPU':>6}"
        f" {'bare %':>7} {'over':>6}"
    )
    for one in scores:
        yield _row(f"{one.recording.kind}/{one.recording.name}", [one])
    for kind in dict.fromkeys(one.recording.kind for one in scores):
        yield _row(f"{kind}, all", [one for one in scores if one.recording.kind == kind])


def _row(name: str, scores: Sequence[Score]) -> str:
    counts = [one.counts for one in scores]
    numbers = [sum(getattr(one, field) for one in counts) for field in ("substitutions", "deletions", "insertions")]
    rate, bare = word_error_rate(counts), word_error_rate(_bare(scores))
    return (
        f"{name:<40} {sum(one.words for one in counts):>6} {_shown(rate):>6}"
        f" {numbers[0]:>4} {numbers[1]:>4} {numbers[2]:>4} {sum(one.unread_seconds for one in scores):>7.1f}"
        f" {real_time_factor(scores):>6.3f} {processor_share(scores):>6.3f}"
        f" {_shown(bare):>7} {_shown(_over(rate, bare)):>6}"
    )


def _bare(scores: Sequence[Score]) -> list[Counts]:
    return [one.bare for one in scores if one.bare is not None]


def _over(rate: float | None, bare: float | None) -> float | None:
    return None if rate is None or bare is None else rate - bare


def _shown(rate: float | None) -> str:
    return "-" if rate is None else f"{rate:.2f}"


def word_error_rate(counts: Sequence[Counts]) -> float | None:
    """Errors in percent of the words; None without any."""
    words = sum(one.words for one in counts)
    return 100 * sum(one.errors for one in counts) / words if words else None


def real_time_factor(scores: Sequence[Score]) -> float:
    return sum(one.seconds for one in scores) / sum(one.audio_seconds for one in scores)


def processor_share(scores: Sequence[Score]) -> float:
    """Return the processor seconds that a second of audio took."""
    return sum(one.processor_seconds for one in scores) / sum(one.audio_seconds for one in scores)


def figures(scores: Sequence[Score]) -> dict[str, str]:
    """The last line. ``missing`` is of the development recordings in English, without what was built from them."""

    def of(*kinds: str) -> list[Score]:
        return [one for one in scores if one.recording.kind.split("-")[0] in kinds]

    recorded, built = of("long", "clips", "conversations"), of("built")
    english = [*recorded, *built]
    rate, bare = (word_error_rate(counts) for counts in ([one.counts for one in english], _bare(english)))
    found = {
        "wer_long7": _shown(word_error_rate([one.counts for one in of("long")])),
        "wer_clips": _shown(word_error_rate([one.counts for one in of("clips")])),
        "wer_conversations": _shown(word_error_rate([one.counts for one in of("conversations")])),
        "wer_built": _shown(word_error_rate([one.counts for one in built])),
        "wer_over_bare": _shown(_over(rate, bare)),
        "missing": str(sum(one.counts.deletions for one in recorded)),
        "unread_speech_s": f"{sum(one.unread_seconds for one in english):.1f}",
        "rtf": f"{real_time_factor(english):.3f}" if english else "-",
        "cpu": f"{processor_share(english):.3f}" if english else "-",
    }
    for language in dict.fromkeys(one.recording.language for one in of("languages")):
        spoken = [one.counts for one in of("languages") if one.recording.language == language]
        found[f"wer_{language}"] = _shown(word_error_rate(spoken))
    return found


def main() -> None:
    as_stage_process()
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--audio", type=Path, default=DEV_AUDIO)
    parser.add_argument("--tier", choices=["fast", "careful"], default="fast")
    parser.add_argument("--only", default="", help=f"kinds of recordings, separated by commas: {', '.join(KINDS)}")
    parser.add_argument("--no-bare", action="store_true", help="leave the bare engine out")
    arguments = parser.parse_args()
    kinds = {kind for kind in arguments.only.split(",") if kind}
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(data_dir=Path(folder), transcriber="faster-whisper")
        found = list(recordings(arguments.audio, kinds, settings))
        bare = [None] * len(found) if arguments.no_bare else _heard_barely(found, settings)
        engines = Engines(settings)
        with engines.transcriber.use():
            pass  # Loading is not what is measured.
        scores = [
            replace(score(recording, engines, arguments.tier), bare=counts)
            for recording, counts in zip(found, bare, strict=True)
        ]
        engines.close()
    for line in table(scores):
        print(line)
    print(" ".join(f"{name}={value}" for name, value in figures(scores).items()))


def _heard_barely(found: Sequence[Recording], settings: Settings) -> list[Counts | None]:
    model = Bare(settings)
    return [counted(recording, model.text(recording)) for recording in found]


if __name__ == "__main__":
    main()
