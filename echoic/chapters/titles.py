"""Gives chapters titles and sentences that stand for them, from what is said in them. Pure.

A title is made of the names and the words that the chapter says more than the rest of the recording does (tf-idf over its
chapters and units); a summary is the sentences whose vectors are nearest to the mean of the chapter's.
"""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from echoic.records import Embeddings, Segment
from echoic.text.common import COMMON
from echoic.text.words import words

TITLE_PARTS = 3
NAME_WEIGHT = 2.0
"""A name says more of a chapter than a word that is said as often."""
MIN_WORD_CHARACTERS = 5
MIN_COUNT = 2
"""A word that is said once is none that a chapter is about."""
SUMMARY_SENTENCES = 2
MIN_SENTENCE_WORDS = 6
COMMON_SHARE = 0.5
"""A word of more than so many of the recording's parts is about nothing."""


def titles(parts: Sequence[Sequence[str]], chapters: Sequence[range], names: Sequence[Mapping[str, int]]) -> list[str]:
    """Return a title for each chapter; empty where it says nothing that the others do not.

    ``parts`` are the texts of stretches of the recording, as units of it, ``chapters`` which of them belong together, and
    ``names`` the names said in each chapter, with how often.
    """
    counts = [Counter(_words(part)) for part in parts]
    spread = Counter(word for part in counts for word in part)
    found = []
    for chapter, said in zip(chapters, names, strict=True):
        own: Counter[str] = Counter()
        for number in chapter:
            own.update(counts[number])
        scores = {
            word: count * math.log(len(parts) / spread[word])
            for word, count in own.items()
            if count >= MIN_COUNT and (spread[word] <= COMMON_SHARE * len(parts) or len(parts) == len(chapter))
        }
        scores |= _of_names(said, names)
        chosen: list[str] = []
        for word, score in sorted(scores.items(), key=lambda one: (-one[1], one[0])):
            if score > 0 and not any(_is_part(word, other) for other in chosen):
                chosen.append(word)
            if len(chosen) == TITLE_PARTS:
                break
        title = ", ".join(chosen)
        found.append(title[:1].upper() + title[1:])
    return found


def summary(segments: Sequence[Segment], vectors: Embeddings) -> list[Segment]:
    """Return the segments that stand for a chapter, in order; ``vectors`` has a row for each."""
    long_enough = [place for place, one in enumerate(segments) if len(one.text.split()) >= MIN_SENTENCE_WORDS]
    likeness = vectors.astype(np.float64) @ vectors.astype(np.float64).mean(axis=0)
    best = sorted(long_enough, key=lambda place: (-likeness[place], place))[:SUMMARY_SENTENCES]
    return [segments[place] for place in sorted(best)]


def _words(part: Iterable[str]) -> list[str]:
    return [
        word
        for text in part
        for word in words(text)
        if len(word) >= MIN_WORD_CHARACTERS and word.isalpha() and word not in COMMON
    ]


def _of_names(said: Mapping[str, int], names: Sequence[Mapping[str, int]]) -> dict[str, float]:
    """Names by weight: those of every chapter count least."""
    return {
        name: NAME_WEIGHT * count * math.log(1 + len(names) / sum(name in other for other in names))
        for name, count in said.items()
    }


def _is_part(word: str, other: str) -> bool:
    one, two = word.casefold(), other.casefold()
    return one in two or two in one
