"""Search by meaning across languages: a sentence of one language looks for the same sentence in another.

    pip download --no-deps django==5.2 && unzip -q django-*.whl -d django
    python bench/cross_language.py --catalogs django [--encoders minilm,e5-4bit]

The sentences are the messages of a program that many people translated: gettext catalogs, in folders ``LANGUAGE/LC_MESSAGES``
at any depth. Those with four words and more and without placeholders count that all languages have. Each is looked for among
the sentences of the other language alone, by the cosine, as search by meaning does; the percentage that is found first, and
among the first ten. Then the English queries of ``bench/search_queries.json`` over the transcripts of the development recordings.
"""

import argparse
import gettext
import re
from pathlib import Path

import numpy as np

from bench.search_quality import TOP, load_queries, sentences
from echoic.engines.protocols import TextEncoder
from echoic.engines.registry import Engines
from echoic.settings import Settings

LANGUAGES = ("de", "es", "fr", "it", "pt", "ru", "ar", "ja", "ko", "zh_Hans")
MIN_WORDS = 4
PLACEHOLDERS = re.compile(r"[%{<\n]")
FLOORS = (0.0, 0.2, 0.74, 0.76, 0.78, 0.80, 0.82, 0.84)


def parallel(folder: Path) -> dict[str, list[str]]:
    """Return the same sentences, in the same order, in each language; ``en`` is what the catalogs translate."""
    catalogs = {language: _catalog(folder, language) for language in LANGUAGES}
    first = catalogs[LANGUAGES[0]]
    wanted = [
        text
        for text in first
        if len(text.split()) >= MIN_WORDS
        and not PLACEHOLDERS.search(text)
        and all(text in catalog for catalog in catalogs.values())
    ]
    return {"en": wanted} | {language: [catalog[text] for text in wanted] for language, catalog in catalogs.items()}


def _catalog(folder: Path, language: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for path in sorted(folder.glob(f"**/{language}/LC_MESSAGES/*.mo")):
        with path.open("rb") as file:
            catalog = gettext.GNUTranslations(file)
        messages: dict[object, str] = vars(catalog)["_catalog"]
        found |= {text: said for text, said in messages.items() if isinstance(text, str) and text and said}
    return found


def found_at(cosines: np.ndarray) -> tuple[float, float]:
    """Percent found first and among the first ten, where the query of each row belongs to the passage of that column."""
    ranks = (cosines > np.diag(cosines)[:, np.newaxis]).sum(axis=1)
    return 100 * float(np.mean(ranks == 0)), 100 * float(np.mean(ranks < TOP))


class Recall:
    """The queries of ``search_queries.json`` over the transcripts of the development recordings."""

    def __init__(self, encoder: TextEncoder) -> None:
        self._texts = [text for recording in sentences() for text in recording]
        self._queries = load_queries()
        asked = encoder.encode([query.query for query in self._queries], "query")
        self._cosines = asked @ encoder.encode(self._texts, "passage").T

    def above(self, floor: float) -> float:
        """Return the part of the right sentences among the first ten, in percent, with a floor of similarity."""
        recalls = []
        for query, row in zip(self._queries, self._cosines, strict=True):
            shown = [self._texts[place] for place in np.argsort(-row)[:TOP] if row[place] >= floor]
            recalls.append(
                sum(any(text.startswith(start) for start in query.right) for text in shown) / len(query.right)
            )
        return 100 * float(np.mean(recalls))


def measure(name: str, encoder: TextEncoder, said: dict[str, list[str]]) -> str:
    """Print what an encoder finds in each language; return its figures."""
    asked = {language: encoder.encode(texts, "query") for language, texts in said.items()}
    answers = {language: encoder.encode(texts, "passage") for language, texts in said.items()}
    rows: list[tuple[float, ...]] = []
    pairs: list[np.ndarray] = []
    for language in LANGUAGES:
        both = asked[language] @ answers["en"].T, asked["en"] @ answers[language].T
        (first, ten), (first_back, ten_back) = map(found_at, both)
        rows.append((first, ten, first_back, ten_back))
        pairs += both
        print(f"{name:10} {language:8}   {first:5.1f} / {ten:5.1f}                 {first_back:5.1f} / {ten_back:5.1f}")
    own = np.eye(len(said["en"]), dtype=bool)
    recall = Recall(encoder)
    print("floor   right pairs above   other pairs above   recall of English queries")
    for floor in FLOORS:
        kept, let_in = (100 * float(np.mean([each[mask] >= floor for each in pairs])) for mask in (own, ~own))
        print(f"{floor:5.2f} {kept:19.1f} {let_in:19.1f} {recall.above(floor):26.1f}")
    means = np.mean(rows, axis=0)
    key = name.replace("-", "_")
    return (
        f"{key}_first={(means[0] + means[2]) / 2:.1f} {key}_ten={(means[1] + means[3]) / 2:.1f} "
        f"{key}_english={recall.above(encoder.similarity_floor):.1f}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--catalogs", type=Path, required=True)
    parser.add_argument("--encoders", default="minilm,e5-4bit")
    arguments = parser.parse_args()
    said = parallel(arguments.catalogs)
    print(f"{len(said['en'])} sentences; percent found first / among the first ten")
    print("encoder    language   asked in it, text English   asked in English, text in it")
    figures = []
    for name in arguments.encoders.split(","):
        settings = Settings(_env_file=None).model_copy(update={"text_encoder": name, "text_encoder_threads": 1})
        with Engines(settings).text_encoder.use() as encoder:
            figures.append(measure(name, encoder, said))
    print("\n" + " ".join(figures))


if __name__ == "__main__":
    main()
