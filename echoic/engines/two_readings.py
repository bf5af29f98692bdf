"""Chooses between two readings of one recording, passage by passage, by how sure the decoder is of its words. Pure.

Decoded in batches and window after window, a recording gives two texts that differ in one word of ten. Neither is the better
one everywhere: the passage whose words are likelier is right more often.
"""

import re
from collections.abc import Sequence
from dataclasses import replace
from difflib import SequenceMatcher

from echoic.engines.heard import HeardSegment, HeardWord
from echoic.engines.second_look import CLEARLY_BETTER, mean_probability

MIN_ADDED_PROBABILITY = 0.6
"""The least mean probability of words that the second reading alone has: a decoder makes some up at the end of a window."""
NEIGHBORS = 1
"""The words on either side that count with a passage: a wrong word makes those after it unlikely."""
_SIGNS = re.compile(r"[^\w']")


def choose_passages(first: Sequence[HeardSegment], second: Sequence[HeardSegment]) -> list[HeardSegment]:
    """Return the segments of the first reading, with the words of the second where those are clearly likelier.

    Words that the first alone has stay. A segment that was changed counts as repaired. Times may overlap afterwards.
    """
    if not any(segment.words for segment in first):
        return list(second)
    ours = [(number, word) for number, segment in enumerate(first) for word in segment.words]
    others = [word for segment in second for word in segment.words]
    words: list[list[HeardWord]] = [[] for _ in first]
    changed: set[int] = set()
    matcher = SequenceMatcher(None, [_plain(word) for _, word in ours], list(map(_plain, others)), autojunk=False)
    for kind, start, end, begin, stop in matcher.get_opcodes():
        passage = [word for _, word in ours[start:end]]
        other = others[begin:stop]
        place = ours[min(start, len(ours) - 1) if passage else max(0, start - 1)][0]
        around = [word for _, word in ours[max(0, start - NEIGHBORS) : end + NEIGHBORS]]
        other_around = others[max(0, begin - NEIGHBORS) : stop + NEIGHBORS]
        if kind == "replace":
            is_better = mean_probability(other_around) > mean_probability(around) + CLEARLY_BETTER
        else:
            is_better = kind == "insert" and mean_probability(other) >= MIN_ADDED_PROBABILITY
        if is_better:
            words[place] += other
            changed |= {place, *(number for number, _ in ours[start:end])}
            continue
        for number, word in ours[start:end]:
            words[number].append(word)
    return [
        replace(segment, words=tuple(words[number]), repaired=segment.repaired or number in changed)
        for number, segment in enumerate(first)
        if words[number]
    ]


def _plain(word: HeardWord) -> str:
    return _SIGNS.sub("", word.text.lower())
