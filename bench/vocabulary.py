"""Terms planted in spoken sentences: how many are written right before and after the vocabulary has learned them.

    python -m bench.vocabulary [--audio FOLDER] [--cache FOLDER]

espeak-ng speaks each sentence, since no corpus at hand says such terms. People correct the first half, as it was heard: the
suggestions learned from that are all accepted, the replacements that count as safe with them. The second half, other
sentences in other voices, is heard again without and with what was learned. False insertions are counted there and in the
development recordings beside the checkout, in which nobody says these terms. The settings choose the transcriber.
"""

import argparse
import hashlib
import json
import random
import subprocess
import tempfile
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import jiwer
import numpy as np
from whisper_normalizer.english import EnglishTextNormalizer

from bench.local_file import DEV_AUDIO, as_audio, as_stage_process, decoded_samples
from echoic.corrections.learned_terms import CorrectedText, LearnedTerm, learned_terms
from echoic.engines.protocols import TranscribeOptions
from echoic.engines.registry import Engines
from echoic.records import Audio, Segment
from echoic.settings import Settings
from echoic.text.replacements import Replacement, replaced_in_segments
from echoic.text.written import says
from echoic.units import SAMPLE_RATE

TERMS = (
    *("Kubernetes", "Grafana", "Terraform", "Nextcloud", "Zabbix", "Keycloak", "Kibana", "OpenShift"),
    *("Thayer Rudd", "Siobhan Keogh", "Anneliese Bruckner", "Oduya", "Vantara", "Quillfeather"),
)
CARRIERS = (
    "This morning we talked about {} for almost an hour.",
    "I would like to know whether {} will be ready before the winter.",
    "Nobody told me that {} was part of the plan.",
    "The report says that {} did better than last year.",
    "Please ask the others what they think of {} today.",
    "After lunch {} came up again, and we could not agree.",
)
CORRECTED = 3
"""The carriers of which people correct the sentences."""
VOICES = ("en-us", "en-gb", "en-us+f3", "en-gb+m3", "en-us+m7", "en-gb-x-rp+f2")
WORDS_A_MINUTE = 150
SEED = 13
MIN_TIMES = 2
CLIPS = "clips/"
TOGETHER = 5
"""Sentences of one recording, so that they fill a window of the transcriber."""
PAUSE_SECONDS = 0.8


@dataclass(frozen=True, kw_only=True)
class Spoken:
    """Sentences that one voice says one after the other."""

    sentences: tuple[str, ...]
    terms: tuple[str, ...]
    voice: str

    @property
    def text(self) -> str:
        return " ".join(self.sentences)


def spoken() -> tuple[list[Spoken], list[Spoken]]:
    """Recordings that people correct, and those that come later."""
    rng = random.Random(SEED)
    made = []
    for carrier in CARRIERS:
        terms = rng.sample(TERMS, len(TERMS))
        groups = [tuple(terms[first : first + TOGETHER]) for first in range(0, len(terms), TOGETHER)]
        made.append(
            [
                Spoken(sentences=tuple(map(carrier.format, group)), terms=group, voice=rng.choice(VOICES))
                for group in groups
            ]
        )
    return [one for part in made[:CORRECTED] for one in part], [one for part in made[CORRECTED:] for one in part]


class Listener:
    """Hears files with the transcriber of the settings, and keeps what it heard."""

    def __init__(self, engines: Engines, settings: Settings, cache: Path) -> None:
        self._engines, self._settings, self._cache = engines, settings, cache

    def hear_spoken(self, spoken: Spoken, vocabulary: Sequence[str] = ()) -> tuple[Segment, ...]:
        return self._hear(spoken.voice + spoken.text, lambda: self._speak(spoken), vocabulary)

    def hear_file(self, path: Path, vocabulary: Sequence[str] = ()) -> tuple[Segment, ...]:
        return self._hear(path.name, lambda: as_audio(decoded_samples(path, self._settings)), vocabulary)

    def _speak(self, spoken: Spoken) -> Audio:
        parts = []
        for sentence in spoken.sentences:
            path = self._cache / "spoken.wav"
            command = ["espeak-ng", "-v", spoken.voice, "-s", str(WORDS_A_MINUTE), "-w", str(path), sentence]
            subprocess.run(command, check=True)
            silence = np.zeros(round(PAUSE_SECONDS * SAMPLE_RATE), dtype=np.float32)
            parts += [as_audio(decoded_samples(path, self._settings)), silence]
        return np.concatenate(parts)

    def _hear(self, name: str, audio: Callable[[], Audio], vocabulary: Sequence[str]) -> tuple[Segment, ...]:
        key = json.dumps([name, list(vocabulary), self._engines.transcriber.id.label])
        kept = self._cache / f"{hashlib.sha256(key.encode()).hexdigest()[:16]}.json"
        if not kept.exists():
            options = TranscribeOptions(language="en", hotwords=tuple(vocabulary))
            with self._engines.transcriber.use() as transcriber:
                heard = transcriber.transcribe(audio(), options=options).segments
            kept.write_text(json.dumps([segment.text for segment in heard]), encoding="utf-8")
        texts = json.loads(kept.read_text(encoding="utf-8"))
        return tuple(Segment(start=0.0, end=1.0, text=text) for text in texts)


@dataclass(frozen=True, kw_only=True)
class Clip:
    path: Path
    reference: str


def dev_clips(folder: Path) -> list[Clip]:
    files = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))["files"]
    return [
        Clip(path=folder / entry["file"], reference=entry["text"])
        for entry in files
        if entry["file"].startswith(CLIPS) and entry.get("text")
    ]


def text_of(segments: Sequence[Segment]) -> str:
    return " ".join(segment.text for segment in segments)


def replacements_of(terms: Sequence[LearnedTerm]) -> list[Replacement]:
    return [
        Replacement(find=heard.text, replace=term.term) for term in terms for heard in term.heard_as if heard.is_safe
    ]


def recall(texts: Sequence[str], wanted: Sequence[Spoken]) -> float:
    right = [says([text], term) for text, one in zip(texts, wanted, strict=True) for term in one.terms]
    return 100 * sum(right) / len(right)


def false_terms(texts: Sequence[str], meant: Sequence[Sequence[str]]) -> int:
    """Count terms that a text has and that nobody said there."""
    return sum(says([text], term) for text, own in zip(texts, meant, strict=True) for term in TERMS if term not in own)


def word_errors(texts: Sequence[str], references: Sequence[str]) -> float:
    normalize = EnglishTextNormalizer()
    pairs = [(normalize(reference), normalize(text)) for reference, text in zip(references, texts, strict=True)]
    return 100 * jiwer.wer([pair[0] for pair in pairs], [pair[1] for pair in pairs])


def measure(listener: Listener, audio: Path, *, clips: int) -> None:
    corrected, later = spoken()
    heard = [text_of(listener.hear_spoken(one)) for one in corrected]
    edits = [
        CorrectedText(item_id=number, before=text, after=one.text)
        for number, (text, one) in enumerate(zip(heard, corrected, strict=True))
    ]
    suggested = learned_terms(edits, min_times=MIN_TIMES)
    wrong = Counter(
        term for text, one in zip(heard, corrected, strict=True) for term in one.terms if not says([text], term)
    )
    due = {term for term, times in wrong.items() if times >= MIN_TIMES}
    found = {one.term for one in suggested}
    print(f"terms heard wrong {MIN_TIMES} times or more: {len(due)}; suggested of these: {len(due & found)}")
    print(f"not suggested: {', '.join(sorted(due - found)) or 'none'}")
    print(f"suggested beside them: {', '.join(sorted(found - due)) or 'none'}")
    for one in suggested:
        variants = ", ".join(f"{each.text}{'' if each.is_safe else ' (not replaced)'}" for each in one.heard_as)
        print(f"  {one.term}: {variants}")
    dev = dev_clips(audio)[:clips]
    vocabulary = [one.term for one in suggested]
    made = replacements_of(suggested)
    print(f"\n{'':<28} {'recall':>6} {'false':>6} {'WER':>6}   in dev: {'false':>5} {'WER':>6}")
    for name, terms, instead in (
        ("nothing", (), ()),
        ("vocabulary", vocabulary, ()),
        ("replacements", (), made),
        ("vocabulary + replacements", vocabulary, made),
    ):
        texts = [text_of(replaced_in_segments(listener.hear_spoken(one, terms), instead)) for one in later]
        of_dev = [text_of(replaced_in_segments(listener.hear_file(one.path, terms), instead)) for one in dev]
        print(
            f"{name:<28} {recall(texts, later):>6.1f} {false_terms(texts, [one.terms for one in later]):>6}"
            f" {word_errors(texts, [one.text for one in later]):>6.2f}"
            f"           {false_terms(of_dev, [()] * len(dev)):>5} {word_errors(of_dev, [one.reference for one in dev]):>6.2f}"
        )


def main() -> None:
    as_stage_process()
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--audio", type=Path, default=DEV_AUDIO)
    parser.add_argument("--clips", type=int, default=100, help="so many clips of the development recordings at most")
    parser.add_argument("--cache", type=Path, help="folder that keeps what was spoken and heard")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        cache = arguments.cache or Path(folder)
        cache.mkdir(parents=True, exist_ok=True)
        settings = Settings(data_dir=Path(folder), models_dir=cache / "models")
        engines = Engines(settings)
        try:
            measure(Listener(engines, settings, cache), arguments.audio, clips=arguments.clips)
        finally:
            engines.close()


if __name__ == "__main__":
    main()
