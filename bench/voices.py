"""Whose voice it is, measured on the development recordings beside the checkout.

    python bench/voices.py [--audio FOLDER] [--enrol 15]

Each utterance of at least 3 s that one person speaks alone is one test, cut by the references. A person's voiceprint is
made of other utterances, never of the same words: at most so many seconds as ``--enrol`` says. Tests are made with the
person among those known, which gives top-1 and misses, and without, which gives the rate of false names; the people
of other corpora are always known, too. A table gives these for a range of thresholds.

Then a hundred voices are known, and strangers and known people are asked about, by 3 to 30 s of what they say
(``bench/strangers.py``): ``false_names_100`` is the percentage of strangers who get a name, over all lengths of at most
12 s; ``missed_6s`` that of known people who get none, or another's, after 6 s. The thresholds are chosen again on one half of
the people and tried on the other.
"""

import argparse
import json
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench import strangers
from bench.local_file import DEV_AUDIO, as_audio, decoded_samples
from echoic.engines.protocols import VoiceEncoder
from echoic.engines.registry import Engines
from echoic.records import Diarization, SpeakerTurn, Voiceprint, VoiceVector
from echoic.settings import Settings
from echoic.units import SAMPLE_RATE
from echoic.voices import voiceprints
from echoic.voices.matching import match_voices
from echoic.voices.voiceprints import MIN_VOICEPRINT_SECONDS, join_voices

THRESHOLDS = (0.25, 0.30, 0.35, 0.40, 0.45, 0.50, 0.55, 0.60, 0.65)
TELEPHONE = "8k_telephone"


@dataclass(frozen=True, kw_only=True)
class Utterance:
    person: str
    words: str
    """What was said: the same words by the same person are the same recording."""
    source: str
    vector: VoiceVector
    seconds: float


def utterances(folder: Path, encoder: VoiceEncoder, settings: Settings) -> Iterator[Utterance]:
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    for entry in manifest["files"]:
        audio = as_audio(decoded_samples(folder / entry["file"], settings))
        for turn, words in _spoken(folder, entry):
            part = audio[round(turn.start * SAMPLE_RATE) : round(turn.end * SAMPLE_RATE)]
            if len(part) >= MIN_VOICEPRINT_SECONDS * SAMPLE_RATE:
                yield Utterance(
                    person=turn.speaker,
                    words=words,
                    source=entry["file"],
                    vector=encoder.embed(part),
                    seconds=len(part) / SAMPLE_RATE,
                )


def _spoken(folder: Path, entry: dict[str, object]) -> Iterator[tuple[SpeakerTurn, str]]:
    speakers = entry["speakers"]
    assert isinstance(speakers, list)
    if entry.get("reference"):
        reference = json.loads((folder / str(entry["reference"])).read_text(encoding="utf-8"))
        turns = [
            (SpeakerTurn(start=each["start"], end=each["end"], speaker=str(each["speaker"])), str(each["text"]))
            for each in reference["segments"]
        ]
    elif entry.get("rttm"):
        rows = [line.split() for line in (folder / str(entry["rttm"])).read_text(encoding="utf-8").splitlines()]
        spans = [(float(row[3]), float(row[3]) + float(row[4]), row[7]) for row in rows if row and row[0] == "SPEAKER"]
        turns = [
            (SpeakerTurn(start=start, end=end, speaker=name), f"{entry['file']} {start}") for start, end, name in spans
        ]
    else:
        duration = entry["duration"]
        assert isinstance(duration, float)
        turns = [(SpeakerTurn(start=0.0, end=duration, speaker=str(speakers[0])), str(entry.get("text")))]
    alone = voiceprints.stretches_alone(Diarization(turns=tuple(turn for turn, _ in turns), exclusive=(), speakers=()))
    for turn, words in turns:
        if any(
            each.speaker == turn.speaker and each.start <= turn.start + 0.01 and each.end >= turn.end - 0.01
            for each in alone
        ):
            yield turn, words


def known_to(test: Utterance, all_of: list[Utterance], seconds: float) -> dict[str, Voiceprint]:
    """Everybody's voiceprint, made of other words than the test's and never of the telephone's."""
    heard: dict[str, list[tuple[VoiceVector, float]]] = defaultdict(list)
    taken: dict[str, set[str]] = defaultdict(set)
    for each in all_of:
        if TELEPHONE in each.source or each.words in taken[each.person] or each.words == test.words:
            continue
        if sum(duration for _, duration in heard[each.person]) < seconds:
            heard[each.person].append((each.vector, each.seconds))
            taken[each.person].add(each.words)
    joined = {person: join_voices(parts) for person, parts in heard.items()}
    return {person: voiceprint for person, voiceprint in joined.items() if voiceprint is not None}


def equal_error_rate(same: list[float], other: list[float]) -> tuple[float, float]:
    """Rate and threshold at which as many of one kind are missed as of the other are let in."""
    best = min(
        sorted({*same, *other}),
        key=lambda threshold: abs(
            float(np.mean(np.array(same) < threshold)) - float(np.mean(np.array(other) >= threshold))
        ),
    )
    rates = float(np.mean(np.array(same) < best)), float(np.mean(np.array(other) >= best))
    return 100 * sum(rates) / 2, best


@dataclass(frozen=True, kw_only=True)
class Rates:
    named: float
    wrong: float
    false_names: float


Naming = Callable[[Utterance, dict[str, Voiceprint]], str | None]
"""Gives the name of who it is among the known, or none."""


def rates(trials: list[tuple[Utterance, dict[str, Voiceprint]]], naming: Naming) -> Rates:
    """Percent: tests named rightly and wrongly with the person known, and named at all with the person unknown."""
    right = wrong = falsely = with_person = 0
    for test, known in trials:
        if test.person in known:
            with_person += 1
            name = naming(test, known)
            right += name == test.person
            wrong += name not in (None, test.person)
        others = {person: voiceprint for person, voiceprint in known.items() if person != test.person}
        falsely += naming(test, others) is not None
    return Rates(
        named=100 * right / with_person, wrong=100 * wrong / with_person, false_names=100 * falsely / len(trials)
    )


def by_threshold(threshold: float, margin: float) -> Naming:
    """Name by the cosine alone."""

    def named(test: Utterance, known: dict[str, Voiceprint]) -> str | None:
        scores = {person: float(voiceprint.vector @ test.vector) for person, voiceprint in known.items()}
        first, *rest = sorted(scores.items(), key=lambda each: -each[1])
        second = rest[0][1] if rest else -1.0
        return first[0] if first[1] >= threshold and first[1] - second >= margin else None

    return named


def as_it_is(test: Utterance, known: dict[str, Voiceprint]) -> str | None:
    """Name as Echoic does."""
    people = list(known)
    voice = Voiceprint(vector=test.vector, seconds=test.seconds)
    match = match_voices({"": voice}, {number: known[person] for number, person in enumerate(people)}).get("")
    return people[match.speaker_id] if match is not None and match.sure else None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--audio", type=Path, default=DEV_AUDIO)
    parser.add_argument("--enrol", type=float, default=15.0)
    arguments = parser.parse_args()
    settings = Settings(_env_file=None)
    with Engines(settings).voice_encoder.use() as encoder:
        found = list(utterances(arguments.audio, encoder, settings))
        crowd = list(strangers.people(arguments.audio / "voices", encoder, settings))
    trials = [(test, known_to(test, found, arguments.enrol)) for test in found]
    scores = [
        (test.person == person, TELEPHONE in test.source, float(voiceprint.vector @ test.vector))
        for test, known in trials
        for person, voiceprint in known.items()
    ]
    same = [score for is_same, _, score in scores if is_same]
    other = [score for is_same, _, score in scores if not is_same]
    line = [score for is_same, by_line, score in scores if is_same and by_line]
    rate, at = equal_error_rate(same, other)
    print(f"{len(found)} utterances of {len({each.person for each in found})} people; {len(other)} pairs of two people")
    print(
        f"same voice   {np.mean(same):.2f} ± {np.std(same):.2f}, least {min(same):.2f}; by telephone {np.mean(line):.2f}"
    )
    print(f"other voice  {np.mean(other):.2f} ± {np.std(other):.2f}, most {max(other):.2f}")
    print(f"equal error rate {rate:.2f} % at {at:.2f}\n")
    print("threshold  margin  named  wrong  false names where the person is unknown   pairs let in")
    for margin in (0.0, 0.08):
        for threshold in THRESHOLDS:
            found_rates = rates(trials, by_threshold(threshold, margin))
            let_in = 100 * float(np.mean(np.array(other) >= threshold))
            print(
                f"{threshold:9.2f}  {margin:6.2f}  {found_rates.named:5.1f}  {found_rates.wrong:5.1f}"
                f"  {found_rates.false_names:39.1f}  {let_in:13.2f}"
            )
    chosen, top = rates(trials, as_it_is), rates(trials, by_threshold(-1.0, 0.0))
    spoken = (
        (each.person, each.words, Voiceprint(vector=each.vector, seconds=each.seconds))
        for each in found
        if TELEPHONE not in each.source and "ami" not in each.source
    )
    figures = strangers.report(crowd, list(strangers.long_speakers(spoken, known_seconds=arguments.enrol)))
    print(
        f"\nvoice_top1={top.named:.1f} voice_eer={rate:.2f} voice_named={chosen.named:.1f} voice_wrong={chosen.wrong:.1f} "
        f"voice_false_names={chosen.false_names:.1f} {figures}"
    )


if __name__ == "__main__":
    main()
