"""How well the borders of chapters are found in talks joined of stretches of others, whose borders are known.

    python -m bench.chapters [--folder FOLDER] [--documents 30] [--price 2.2,3] [--seed 1]

Stretches of one to eight minutes of different calls of Earnings-21 (text; a folder of yours, or the one that
``ECHOIC_EARNINGS21`` names) follow each other, cut into segments of about twelve words at 150 words a minute. WindowDiff (L.
Pevzner, M. A. Hearst, 2002) and Pk (D. Beeferman et al., 1999) count windows, half a mean chapter long, in which the number of
borders differs, and in which the ends are taken for one chapter or for two by mistake: 0 is perfect. Beside Echoic's stand those
of cuts at even distances, with the true number of chapters, and of no cut at all. The last line has them in percent.
"""

import argparse
import os
import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench.earnings21 import calls
from echoic.chapters.borders import PRICE, borders
from echoic.engines.registry import Engines
from echoic.records import Embeddings
from echoic.settings import Settings

FOLDER_VARIABLE = "ECHOIC_EARNINGS21"
WORDS_A_SECOND = 2.5
WORDS_A_SEGMENT = 12
SECONDS = (60, 480)
CHAPTERS = (4, 9)


@dataclass(frozen=True, kw_only=True)
class Document:
    starts: list[float]
    ends: list[float]
    vectors: Embeddings
    borders: list[int]


def said(path: Path) -> list[str]:
    """The call in segments that end with sentences, or after twice the usual number of words."""
    segments: list[list[str]] = [[]]
    for line in path.read_text(encoding="utf-8").splitlines()[1:]:
        token, _, _, _, mark, *_ = line.split("|")
        segments[-1].append(token + mark)
        enough = len(segments[-1]) >= WORDS_A_SEGMENT
        if (enough and mark in (".", "?", "!")) or len(segments[-1]) >= 2 * WORDS_A_SEGMENT:
            segments.append([])
    return [" ".join(words) for words in segments if words]


def joined(texts: dict[str, list[str]], vectors: dict[str, Embeddings], chance: random.Random) -> Document:
    starts, ends, rows, found = list[float](), list[float](), list[np.ndarray](), list[int]()
    former = ""
    now = 0.0
    for _ in range(chance.randint(*CHAPTERS)):
        call = chance.choice([name for name in sorted(texts) if name != former])
        former, seconds = call, chance.uniform(*SECONDS)
        first = chance.randrange(len(texts[call]) // 2)
        begun = now
        if starts:
            found.append(len(starts))
        for place in range(first, len(texts[call])):
            if now - begun >= seconds:
                break
            starts.append(now)
            now += len(texts[call][place].split()) / WORDS_A_SECOND
            ends.append(now)
            rows.append(vectors[call][place])
    return Document(starts=starts, ends=ends, vectors=np.stack(rows), borders=found)


def errors(document: Document, guessed: Sequence[int]) -> tuple[float, float]:
    """WindowDiff and Pk."""
    size = len(document.starts)
    true, found = np.zeros(size, dtype=int), np.zeros(size, dtype=int)
    true[document.borders], found[list(guessed)] = 1, 1
    window = max(2, round(size / (len(document.borders) + 1) / 2))
    sums = [np.concatenate([[0], np.cumsum(each)]) for each in (true, found)]
    # Borders after the first segment of a window, up to its last.
    in_true, in_found = (each[window + 1 :] - each[1:-window] for each in sums)
    return float((in_true != in_found).mean()), float(((in_true > 0) != (in_found > 0)).mean())


def even(document: Document) -> list[int]:
    count = len(document.borders) + 1
    length = document.ends[-1] / count
    return [int(np.searchsorted(document.starts, length * number)) for number in range(1, count)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, default=os.environ.get(FOLDER_VARIABLE))
    parser.add_argument("--documents", type=int, default=30)
    parser.add_argument("--price", default=str(PRICE))
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    if given.folder is None:
        parser.error(f"name the folder with the calls by --folder or {FOLDER_VARIABLE}")
    texts = {path.stem: said(path) for path in calls(Path(given.folder))}
    engines = Engines(Settings(_env_file=None))
    with engines.text_encoder.use() as encoder:
        vectors = {call: encoder.encode(segments, "passage") for call, segments in texts.items()}
    engines.close()
    chance = random.Random(given.seed)
    documents = [joined(texts, vectors, chance) for _ in range(given.documents)]
    ways = {f"price {price}": [float(price)] for price in given.price.split(",")}
    rows = {
        name: [errors(one, borders(one.starts, one.ends, one.vectors, price=price)) for one in documents]
        for name, (price,) in ways.items()
    }
    counts = {
        name: np.mean([len(borders(one.starts, one.ends, one.vectors, price=price)) for one in documents])
        for name, (price,) in ways.items()
    }
    rows["even cuts"] = [errors(one, even(one)) for one in documents]
    rows["no cut"] = [errors(one, []) for one in documents]
    print(f"{len(documents)} documents, {np.mean([len(one.borders) for one in documents]):.1f} borders each")
    for name, values in rows.items():
        windowdiff, pk = 100 * np.mean(values, axis=0)
        print(f"{name:>12}  WindowDiff {windowdiff:5.1f}  Pk {pk:5.1f}  borders {counts.get(name, 0):.1f}")
    last = next(iter(ways))
    figures = {"": last, "_even": "even cuts", "_none": "no cut"}
    told = (
        f"windowdiff{suffix}={100 * np.mean(rows[name], axis=0)[0]:.1f} pk{suffix}={100 * np.mean(rows[name], axis=0)[1]:.1f}"
        for suffix, name in figures.items()
    )
    print(" ".join(told))


if __name__ == "__main__":
    main()
