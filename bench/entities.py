"""Precision, recall and F1 of the entity tagger on the labelled sample in bench/entities_sample.

    python bench/entities.py [--half held_out|tuning|all] [--style written,spoken,unpunctuated] [--bare] [--mistakes]
    python bench/entities.py --corpus earnings21 --folder FOLDER [--labels trimmed|as_written] [--mistakes]

A mention counts as found where a span of the same type covers exactly its characters or, in the second half of the
table, any of them. The last line gives the exact F1 in percent. ``--bare`` takes what spaCy's model says without the
rules and lists around it. ``--corpus`` measures on calls of Earnings-21 (``bench/earnings21.py``) in a folder of yours, or in
the one that ``ECHOIC_EARNINGS21`` names, beside the model alone; its last line is ``f1_earnings=… f1_bare=…``. Its labels hold
articles and possessives here and there, which are no part of our names: they are taken off labels and of both results,
unless ``--labels as_written`` asks for the labels as they are.
"""

import argparse
import json
import os
import re
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast, get_args

from bench.earnings21 import calls, read_call
from echoic.engines.protocols import EntityTagger
from echoic.engines.registry import Engines
from echoic.engines.spacy_entities import SpacyEntityTagger
from echoic.records import EntityType, Span
from echoic.settings import Settings

SAMPLE = Path(__file__).parent / "entities_sample" / "texts.jsonl"
FOLDER_VARIABLE = "ECHOIC_EARNINGS21"
HALVES = ("tuning", "held_out")
TYPES: tuple[EntityType, ...] = get_args(EntityType)

_NAME_ALONE = re.compile(r"(?:(?:the|an?)\s+)?(?P<name>.+?)(?:['’]s?)?", re.IGNORECASE | re.DOTALL)
_MENTION = re.compile(r"\[([^\]]+)\]\((\w+)\)")


@dataclass(frozen=True, kw_only=True)
class Sample:
    id: str
    half: str
    style: str
    source: str
    text: str
    mentions: tuple[Span, ...]


@dataclass(frozen=True, kw_only=True)
class Counts:
    """Of one type: mentions labelled, spans found, and how many of these agree."""

    labelled: int = 0
    found: int = 0
    agreed: int = 0

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(
            labelled=self.labelled + other.labelled,
            found=self.found + other.found,
            agreed=self.agreed + other.agreed,
        )

    @property
    def precision(self) -> float:
        return 100 * self.agreed / self.found if self.found else 0.0

    @property
    def recall(self) -> float:
        return 100 * self.agreed / self.labelled if self.labelled else 0.0

    @property
    def f1(self) -> float:
        both = self.labelled + self.found
        return 200 * self.agreed / both if both else 0.0


@dataclass(frozen=True, kw_only=True)
class Score:
    """One text: what was found in it, and the counts by type for exact and for overlapping spans."""

    sample: Sample
    spans: tuple[Span, ...]
    exact: dict[EntityType, Counts]
    overlapping: dict[EntityType, Counts]


def read_samples(path: Path = SAMPLE) -> list[Sample]:
    return [parse(json.loads(line)) for line in path.read_text(encoding="utf-8").splitlines()]


def parse(entry: dict[str, str]) -> Sample:
    """Take the labels, ``[name](type)``, out of the text and keep where they were."""
    text = ""
    mentions = []
    end = 0
    for found in _MENTION.finditer(entry["text"]):
        name, kind = found.groups()
        assert kind in TYPES, f"{entry['id']}: there is no type {kind}"
        text += entry["text"][end : found.start()]
        mentions.append(Span(start=len(text), end=len(text) + len(name), text=name, type=cast("EntityType", kind)))
        text += name
        end = found.end()
    text += entry["text"][end:]
    rest = {name: entry[name] for name in ("id", "half", "style", "source")}
    return Sample(**rest, text=text, mentions=tuple(mentions))


def score(sample: Sample, spans: Sequence[Span]) -> Score:
    return Score(
        sample=sample,
        spans=tuple(spans),
        exact={kind: _counts(sample.mentions, spans, kind, exact=True) for kind in TYPES},
        overlapping={kind: _counts(sample.mentions, spans, kind, exact=False) for kind in TYPES},
    )


def _counts(mentions: Iterable[Span], spans: Iterable[Span], kind: EntityType, *, exact: bool) -> Counts:
    labelled = [mention for mention in mentions if mention.type == kind]
    found = [span for span in spans if span.type == kind]
    free = list(found)
    for mention in labelled:
        match = next((span for span in free if _agree(mention, span, exact=exact)), None)
        if match is not None:
            free.remove(match)  # one span cannot stand for two mentions
    return Counts(labelled=len(labelled), found=len(found), agreed=len(found) - len(free))


def _agree(mention: Span, span: Span, *, exact: bool) -> bool:
    if exact:
        return (mention.start, mention.end) == (span.start, span.end)
    return mention.start < span.end and span.start < mention.end


def table(scores: Sequence[Score]) -> Iterator[str]:
    measures = f"{'prec %':>7} {'rec %':>6} {'F1 %':>6}"
    yield f"{'':<14} {'':>8} {'exact span and type':^21}  {'overlapping span, type':^21}"
    yield f"{'type':<14} {'mentions':>8} {measures}  {measures}"
    for kind in (*TYPES, None):
        exact, overlapping = (total(scores, kind, exact=exact) for exact in (True, False))
        yield f"{kind or 'total':<14} {exact.labelled:>8} {_row(exact)}  {_row(overlapping)}"


def total(scores: Iterable[Score], kind: EntityType | None, *, exact: bool) -> Counts:
    """Sum over texts of one type, or of all."""
    kinds = TYPES if kind is None else (kind,)
    return sum(((one.exact if exact else one.overlapping)[k] for one in scores for k in kinds), Counts())


def _row(counts: Counts) -> str:
    return f"{counts.precision:>7.1f} {counts.recall:>6.1f} {counts.f1:>6.1f}"


def mistakes(scores: Iterable[Score]) -> Iterator[str]:
    """What was labelled and not found, ``-``, and what was found and not labelled, ``+``."""
    for one in scores:
        labelled, found = (
            Counter((span.start, span.text, span.type) for span in spans) for spans in (one.sample.mentions, one.spans)
        )
        wrong = [(*key, "-") for key in labelled - found] + [(*key, "+") for key in found - labelled]
        for start, text, kind, sign in sorted(wrong):
            yield f"{sign} {one.sample.id:<14} {start:>5}  {kind:<13} {text}"


def chosen(half: str, styles: str) -> list[Sample]:
    wanted = {style for style in styles.split(",") if style}
    return [
        sample for sample in read_samples() if half in {"all", sample.half} and (not wanted or sample.style in wanted)
    ]


def measure(samples: Iterable[Sample], *, bare: bool) -> tuple[list[Score], float]:
    """The scores, and the seconds that tagging took once the engine was loaded."""
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(data_dir=Path(folder))
        engines = Engines(settings)
        with engines.entity_tagger.use() as installed:
            tagger: EntityTagger = SpacyEntityTagger(installed.id, settings, bare=True) if bare else installed
            print(f"engine {tagger.id.label}{', bare' if bare else ''}")
            started = time.perf_counter()
            scores = [score(sample, tagger.tag(sample.text)) for sample in samples]
            seconds = time.perf_counter() - started
        engines.close()
    return scores, seconds


def measure_corpus(folder: Path, *, trim: bool, with_mistakes: bool) -> None:
    """Print the results on the corpus, by type and by call, beside those of the model alone."""
    samples = []
    for path in calls(folder):
        text, mentions = read_call(path)
        samples.append(Sample(id=path.stem, half="corpus", style="spoken", source="", text=text, mentions=mentions))
    scores, bare = (measure(samples, bare=bare)[0] for bare in (False, True))
    if trim:
        scores, bare = ([_trimmed(one) for one in each] for each in (scores, bare))
    for line in mistakes(scores) if with_mistakes else ():
        print(line)
    print(f"{len(samples)} calls, labels {'trimmed' if trim else 'as written'}; F1 by exact span and type\n")
    print(f"{'':<14} {'mentions':>8} {'prec %':>7} {'rec %':>6} {'F1 %':>6} {'bare':>6}")
    for kind in (*TYPES, None):
        ours, plain = total(scores, kind, exact=True), total(bare, kind, exact=True)
        print(f"{kind or 'total':<14} {ours.labelled:>8} {_row(ours)} {plain.f1:>6.1f}")
    for one, plain_one in zip(scores, bare, strict=True):
        ours, plain = total([one], None, exact=True), total([plain_one], None, exact=True)
        print(f"{one.sample.id:<14} {ours.labelled:>8} {_row(ours)} {plain.f1:>6.1f}")
    ours, plain = total(scores, None, exact=True), total(bare, None, exact=True)
    print(f"f1_earnings={ours.f1:.1f} f1_bare={plain.f1:.1f}")


def _trimmed(one: Score) -> Score:
    """The same text, scored without the articles and possessives of labels and spans."""
    sample = replace(one.sample, mentions=tuple(map(_bare_name, one.sample.mentions)))
    return score(sample, [_bare_name(span) for span in one.spans])


def _bare_name(span: Span) -> Span:
    found = _NAME_ALONE.fullmatch(span.text)
    if found is None:
        return span
    start, end = found.span("name")
    return replace(span, start=span.start + start, end=span.start + end, text=found["name"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--half", choices=[*HALVES, "all"], default="held_out")
    parser.add_argument("--style", default="", help="styles of text, separated by commas")
    parser.add_argument("--bare", action="store_true", help="the model without rules")
    parser.add_argument("--mistakes", action="store_true", help="list what was missed and what was wrongly found")
    parser.add_argument("--corpus", choices=["earnings21"], help="measure on a corpus, not on the sample")
    parser.add_argument("--folder", type=Path, default=os.environ.get(FOLDER_VARIABLE), help="the corpus' folder")
    parser.add_argument("--labels", choices=["trimmed", "as_written"], default="trimmed")
    arguments = parser.parse_args()
    if arguments.corpus is not None:
        if arguments.folder is None:
            parser.error(f"--corpus needs its folder: --folder, or the variable {FOLDER_VARIABLE}")
        measure_corpus(arguments.folder, trim=arguments.labels == "trimmed", with_mistakes=arguments.mistakes)
        return
    samples = chosen(arguments.half, arguments.style)
    scores, seconds = measure(samples, bare=arguments.bare)
    words = sum(len(sample.text.split()) for sample in samples)
    print(f"{len(samples)} texts, {words} words, {words / seconds:.0f} words a second, half: {arguments.half}\n")
    for line in mistakes(scores) if arguments.mistakes else ():
        print(line)
    for line in table(scores):
        print(line)
    figures = {f"f1_{kind or 'total'}": total(scores, kind, exact=True).f1 for kind in (*TYPES, None)}
    print(" ".join(f"{name}={value:.1f}" for name, value in figures.items()))


if __name__ == "__main__":
    main()
