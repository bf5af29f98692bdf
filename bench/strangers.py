"""Names for strangers and for known people where a hundred voices are known, for ``bench/voices.py``.

Each of the development recordings in ``voices`` is one utterance of another person. The first half makes a person known,
the second half asks who it is; for 12 s of asking the last 12 s do, and what is before makes known. A few people of the
other recordings say enough to be asked about with 30 s.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from bench.local_file import as_audio, decoded_samples
from echoic.engines.protocols import VoiceEncoder
from echoic.records import Audio, Voiceprint
from echoic.settings import Settings
from echoic.units import SAMPLE_RATE
from echoic.voices.matching import MARKS, Marks, match_voices
from echoic.voices.voiceprints import MIN_VOICEPRINT_SECONDS, join_voices

KNOWN_PEOPLE = 100
DRAWS = 10
"""Each person is asked about among so many choices of known people."""
SPLITS = 20
MOST_PIECES = 20
"""The most that one person is asked about with, by 30 s each."""
SPLIT_DRAWS = 3
SECONDS = (3, 6, 12, 30)
LABEL = "SPEAKER_00"
MOST_FALSE_NAMES = 1.0
"""Percent of strangers."""
CHOICES = tuple(round(0.10 + 0.01 * step, 2) for step in range(31))
"""Leads for a name that are tried, the lowest first."""


@dataclass(frozen=True, kw_only=True)
class Person:
    """A person with what makes them known, for each length of asking, and what asks."""

    name: str
    known: Mapping[int, Voiceprint]
    asked: Mapping[int, Sequence[Voiceprint]]


@dataclass(frozen=True, kw_only=True)
class Counts:
    """How often a stranger, or somebody known, was asked about, and what came of it."""

    asked: int = 0
    named: int = 0
    """With the right name where they are known, with any where they are not."""
    wrong: int = 0
    suggested: int = 0

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(
            asked=self.asked + other.asked,
            named=self.named + other.named,
            wrong=self.wrong + other.wrong,
            suggested=self.suggested + other.suggested,
        )

    def share(self, number: int) -> float:
        return 100 * number / self.asked if self.asked else float("nan")


def people(folder: Path, encoder: VoiceEncoder, settings: Settings) -> Iterator[Person]:
    """Everybody in the folder whose halves are long enough for a voiceprint."""
    for path in sorted(folder.glob("*.flac")):
        audio = as_audio(decoded_samples(path, settings))
        seconds = len(audio) / SAMPLE_RATE
        half = len(audio) // 2
        if seconds < 2 * MIN_VOICEPRINT_SECONDS:
            continue
        known = {0: _voice(encoder, audio[:half])}
        asked: dict[int, list[Voiceprint]] = defaultdict(list)
        for length in SECONDS:
            samples = length * SAMPLE_RATE
            if samples <= len(audio) - half:
                known[length] = known[0]
                asked[length].append(_voice(encoder, audio[half : half + samples]))
            elif seconds - length >= MIN_VOICEPRINT_SECONDS:
                known[length] = _voice(encoder, audio[:-samples])
                asked[length].append(_voice(encoder, audio[-samples:]))
        yield Person(name=path.stem.split("-")[0], known=known, asked=asked)


def _voice(encoder: VoiceEncoder, audio: Audio) -> Voiceprint:
    return Voiceprint(vector=encoder.embed(audio), seconds=len(audio) / SAMPLE_RATE)


def long_speakers(utterances: Iterable[tuple[str, str, Voiceprint]], *, known_seconds: float) -> Iterator[Person]:
    """People of the other recordings who say enough; the utterances are person, words and voice."""
    by_person: dict[str, dict[str, Voiceprint]] = defaultdict(dict)
    for name, words, voice in utterances:
        by_person[name].setdefault(words, voice)
    length = SECONDS[-1]
    for name, spoken in by_person.items():
        pieces = _pieces(spoken.values(), [known_seconds, *[length] * MOST_PIECES])
        if len(pieces) > 1:
            yield Person(name=name, known={0: pieces[0], length: pieces[0]}, asked={length: pieces[1:]})


def _pieces(voices: Iterable[Voiceprint], lengths: Iterable[float]) -> list[Voiceprint]:
    """Join voices to pieces of at least these seconds, as long as there are enough."""
    left = iter(voices)
    pieces = []
    for length in lengths:
        some: list[Voiceprint] = []
        while sum(voice.seconds for voice in some) < length and (voice := next(left, None)) is not None:
            some.append(voice)
        joined = join_voices((voice.vector, voice.seconds) for voice in some)
        if joined is None or joined.seconds < length:
            break
        pieces.append(joined)
    return pieces


def ask(person: Person, crowd: Sequence[Person], seconds: int, marks: Marks, *, draws: int) -> tuple[Counts, Counts]:
    """Ask about one person among ``KNOWN_PEOPLE`` of a crowd, as a stranger and as one of them; the draws are by seed."""
    strangers = known = Counts()
    voices = person.asked.get(seconds, ())
    others = [one for one in crowd if one.name != person.name]
    for draw in range(draws if voices else 0):
        seed = [int.from_bytes(person.name.encode()), draw]
        chosen = np.random.default_rng(seed).choice(len(others), KNOWN_PEOPLE, replace=False)
        around = {number + 1: others[place].known[0] for number, place in enumerate(chosen)}
        for voice in voices:
            strangers += _outcome(voice, around, marks, right=None)
            known += _outcome(voice, around | {1: person.known[seconds]}, marks, right=1)
    return strangers, known


def _outcome(voice: Voiceprint, known: Mapping[int, Voiceprint], marks: Marks, *, right: int | None) -> Counts:
    match = match_voices({LABEL: voice}, known, marks=marks).get(LABEL)
    if match is None:
        return Counts(asked=1)
    is_right = right is None or match.speaker_id == right
    return Counts(
        asked=1,
        named=int(match.sure and is_right),
        wrong=int(match.sure and not is_right),
        suggested=int(not match.sure and is_right),
    )


def report(crowd: Sequence[Person], talkers: Sequence[Person]) -> str:
    """Print what becomes of strangers and of known people; return the figures of the last line."""
    print(f"\n{KNOWN_PEOPLE} people known of {len(crowd)}, {DRAWS} draws for each who is asked about; in percent")
    print("          strangers                known people")
    print("seconds   asked  named  suggested  asked  named  wrong  suggested  missed")
    strangers_in_all, missed = Counts(), {}
    for seconds in SECONDS:
        asked = talkers if seconds == SECONDS[-1] else crowd
        pairs = [ask(person, crowd, seconds, MARKS, draws=DRAWS) for person in asked]
        strangers, known = (sum((pair[place] for pair in pairs), Counts()) for place in (0, 1))
        missed[seconds] = 100 - known.share(known.named)
        print(
            f"{seconds:7} {strangers.asked:7} {strangers.share(strangers.named):6.2f} "
            f"{strangers.share(strangers.suggested):10.1f} {known.asked:6} {known.share(known.named):6.1f} "
            f"{known.share(known.wrong):6.2f} {known.share(known.suggested):10.1f} {missed[seconds]:7.1f}"
        )
        if seconds != SECONDS[-1]:
            strangers_in_all += strangers
    _cross_validate(crowd)
    false_names = strangers_in_all.share(strangers_in_all.named)
    return f"false_names_{KNOWN_PEOPLE}={false_names:.2f} " + " ".join(
        f"missed_{seconds}s={share:.1f}" for seconds, share in missed.items()
    )


def _cross_validate(crowd: Sequence[Person]) -> None:
    """Choose the lead for a name by one half of the people, and try it on the other half."""
    outcomes = {
        lead: [
            [ask(person, crowd, seconds, replace(MARKS, lead=lead), draws=SPLIT_DRAWS) for seconds in SECONDS[:-1]]
            for person in crowd
        ]
        for lead in CHOICES
    }

    def of(people: Iterable[int], lead: float) -> tuple[Counts, Counts]:
        pairs = [pair for person in people for pair in outcomes[lead][person]]
        return sum((pair[0] for pair in pairs), Counts()), sum((pair[1] for pair in pairs), Counts())

    chosen, falsely, missed = [], [], []
    for split in range(SPLITS):
        order = np.random.default_rng(split).permutation(len(crowd)).tolist()
        first, second = order[: len(order) // 2], order[len(order) // 2 :]
        fit = (one for one in CHOICES if of(first, one)[0].share(of(first, one)[0].named) <= MOST_FALSE_NAMES)
        chosen.append(next(fit, CHOICES[-1]))
        strangers, known = of(second, chosen[-1])
        falsely.append(strangers.share(strangers.named))
        missed.append(100 - known.share(known.named))
    print(
        f"\nchosen on one half for at most {MOST_FALSE_NAMES:.0f} % false names, {SPLITS} splits: "
        f"{min(chosen):.2f} to {max(chosen):.2f}, mean {np.mean(chosen):.3f}; on the other half "
        f"{np.mean(falsely):.2f} % false names (at most {max(falsely):.2f}), {np.mean(missed):.1f} % missed"
    )
