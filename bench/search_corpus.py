"""A corpus for the search benchmark: made by a seed, written by COPY, indexed by the rules of the product.

Segments of 18 to 42 words over a Zipf vocabulary (English stop words, then made-up words), in items of about 100 segments, in
200 datasets of 20 libraries; vectors in clusters for some of the segments. Every 1000th segment holds a fixed pair of words.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
import psycopg
from numpy.typing import NDArray

from echoic.db.search.index import DIMENSIONS, SCHEMA_VERSION
from echoic.db.search.lexemes import entry_vector, marks_of
from echoic.text.edits import deletion_forms

SEED = 20_261_124
VOCABULARY = 50_000
ZIPF = 1.05
SEGMENTS_PER_ITEM = 100
DATASETS, LIBRARIES, SPEAKERS = 200, 20, 2_000
CLUSTERS = 2_000
PAIRS = 40
DAYS = 3 * 365
MODEL = "bench"
READER, SMALL_READER = 1, 2
"""Accounts: one reads every library but the last, the other only the last."""
STOP_WORDS = [
    "the",
    "and",
    "to",
    "of",
    "a",
    "in",
    "that",
    "i",
    "it",
    "is",
    "you",
    "was",
    "for",
    "on",
    "he",
    "with",
    "as",
    "at",
    "be",
    "this",
    "have",
    "are",
    "not",
    "but",
    "they",
    "his",
    "from",
    "she",
    "we",
    "or",
    "an",
    "by",
    "her",
    "all",
    "so",
    "there",
    "what",
    "my",
    "one",
    "if",
    "about",
    "out",
    "up",
    "do",
    "can",
    "like",
    "just",
    "them",
    "me",
    "your",
    "would",
    "when",
    "who",
    "know",
    "which",
    "their",
    "will",
    "no",
    "how",
    "been",
    "more",
    "now",
    "then",
    "him",
    "some",
    "time",
    "these",
    "get",
    "because",
    "really",
    "very",
    "into",
    "had",
    "were",
    "has",
    "said",
    "did",
    "than",
    "other",
    "could",
    "our",
    "over",
    "its",
    "any",
    "also",
    "only",
    "two",
    "here",
    "see",
    "way",
    "well",
    "where",
    "think",
    "back",
    "much",
    "going",
    "right",
    "good",
    "down",
    "first",
    "even",
    "make",
    "want",
    "before",
]


@dataclass(frozen=True)
class Vocabulary:
    """Words by their rank."""

    words: list[str]
    stems: dict[str, str | None]
    probabilities: NDArray[np.float64]


def make_words(generator: np.random.Generator) -> list[str]:
    """Stop words first, then words of two to four syllables."""
    onsets = [
        "b",
        "c",
        "d",
        "f",
        "g",
        "h",
        "l",
        "m",
        "n",
        "p",
        "r",
        "s",
        "t",
        "v",
        "br",
        "cl",
        "dr",
        "fl",
        "gr",
        "pl",
        "pr",
        "sh",
        "sp",
        "st",
        "th",
        "tr",
    ]
    vowels, codas = ["a", "e", "i", "o", "u", "ai", "ea", "ou"], ["", "n", "r", "l", "s", "t", "nd", "rm"]
    found = dict.fromkeys(STOP_WORDS)
    while len(found) < VOCABULARY:
        syllables = int(generator.integers(2, 5))
        word = "".join(
            onsets[generator.integers(len(onsets))]
            + vowels[generator.integers(len(vowels))]
            + codas[generator.integers(len(codas))]
            for _ in range(syllables)
        )
        found.setdefault(word)
    return list(found)


def make_vocabulary(connection: psycopg.Connection, generator: np.random.Generator) -> Vocabulary:
    """Words with their stems as the server has them."""
    words = make_words(generator)
    rows = connection.execute(
        "SELECT word, (ts_lexize('english_stem', word))[1] FROM unnest(%s::text[]) AS word", (words,)
    ).fetchall()
    weights = 1 / np.arange(1, VOCABULARY + 1) ** ZIPF
    return Vocabulary(words=words, stems=dict(rows), probabilities=weights / weights.sum())


def pairs(vocabulary: Vocabulary) -> list[tuple[str, str]]:
    """Words that are planted side by side."""
    return [(vocabulary.words[300 + 7 * number], vocabulary.words[900 + 11 * number]) for number in range(PAIRS)]


def cluster_centers() -> NDArray[np.float32]:
    """Directions around which vectors lie, shape (CLUSTERS, DIMENSIONS)."""
    centers = np.random.default_rng(SEED + 1).standard_normal((CLUSTERS, DIMENSIONS), dtype=np.float32)
    lengths: NDArray[np.float32] = np.linalg.norm(centers, axis=1, keepdims=True)
    return centers / lengths


def build(url: str, *, segments: int, vectors: int, model: str = MODEL) -> Vocabulary:
    """Fill an empty database that has the schema; ``model`` is what the vectors are said to be made by."""
    generator = np.random.default_rng(SEED)
    with psycopg.connect(url, autocommit=True) as connection:
        vocabulary = make_vocabulary(connection, generator)
        connection.execute("SET session_replication_role = replica")
        connection.execute("SET maintenance_work_mem = '1GB'")
        connection.execute("DROP INDEX ix_search_entries_vector; DROP INDEX ix_segment_embeddings_vector")
        items = -(-segments // SEGMENTS_PER_ITEM)
        _copy_frame(connection, items)
        _copy_segments(connection, vocabulary, generator, segments)
        _copy_vectors(connection, vectors, model)
        copy_words(connection, vocabulary)
        connection.execute("CREATE INDEX ix_search_entries_vector ON search_entries USING gin (vector)")
        connection.execute(
            "CREATE INDEX ix_segment_embeddings_vector ON segment_embeddings USING hnsw (vector halfvec_ip_ops)"
        )
        connection.execute("VACUUM ANALYZE")
    return vocabulary


def copy_rows(connection: psycopg.Connection, table: str, columns: str, rows: Iterator[tuple[object, ...]]) -> None:
    with connection.cursor() as cursor, cursor.copy(f"COPY {table} ({columns}) FROM STDIN") as copy:
        for row in rows:
            copy.write_row(row)


def _copy_frame(connection: psycopg.Connection, items: int) -> None:
    accounts = ((number, f"Account {number}") for number in (READER, SMALL_READER))
    copy_rows(connection, "accounts", "id, name", accounts)
    libraries = ((number, f"library-{number}", f"Library {number}", READER) for number in range(1, LIBRARIES + 1))
    copy_rows(connection, "libraries", "id, slug, name, owner_account_id", libraries)
    members = ((number, SMALL_READER if number == LIBRARIES else READER, "owner") for number in range(1, LIBRARIES + 1))
    copy_rows(connection, "library_members", "library_id, account_id, role", members)
    datasets = ((number, number % LIBRARIES + 1, f"Dataset {number}") for number in range(1, DATASETS + 1))
    copy_rows(connection, "datasets", "id, library_id, name", datasets)
    copy_rows(
        connection,
        "blobs",
        "id, key, size_bytes, sha256",
        ((number, f"{number:032x}", 1, f"{number:064x}") for number in range(1, items + 1)),
    )
    first = datetime(2023, 11, 1, tzinfo=UTC)
    copy_rows(
        connection,
        "items",
        "id, dataset_id, title, status, audio_blob_id, transcript_id, language, published_at",
        (
            (
                number,
                _dataset(number),
                f"Item {number}",
                "published",
                number,
                number,
                "en",
                first + timedelta(days=DAYS * number / items),
            )
            for number in range(1, items + 1)
        ),
    )
    copy_rows(
        connection,
        "transcripts",
        "id, item_id, language, engine_name, engine_model, engine_version",
        ((number, number, "en", "bench", "bench", "1") for number in range(1, items + 1)),
    )


def _dataset(item: int) -> int:
    return item * 7919 % DATASETS + 1


def _speaker(item: int, position: int) -> str:
    return f"Speaker {(item * 31 + position % 4) % SPEAKERS}"


def segment_texts(vocabulary: Vocabulary, generator: np.random.Generator, segments: int) -> Iterator[list[str]]:
    planted = pairs(vocabulary)
    batch = 10_000
    for start in range(0, segments, batch):
        lengths = generator.integers(18, 43, size=min(batch, segments - start))
        spoken = generator.choice(VOCABULARY, size=int(lengths.sum()), p=vocabulary.probabilities)
        ends = np.cumsum(lengths)
        for number, (end, length) in enumerate(zip(ends, lengths, strict=True), start):
            found = [vocabulary.words[rank] for rank in spoken[end - length : end]]
            if number % (1000 // PAIRS) == 0:
                found[5:7] = planted[number // (1000 // PAIRS) % PAIRS]
            yield found


def _copy_segments(
    connection: psycopg.Connection, vocabulary: Vocabulary, generator: np.random.Generator, segments: int
) -> None:
    def rows() -> Iterator[tuple[list[str], int, int, int]]:
        for number, found in enumerate(segment_texts(vocabulary, generator, segments)):
            yield found, number + 1, number // SEGMENTS_PER_ITEM + 1, number % SEGMENTS_PER_ITEM

    with psycopg.connect(connection.info.dsn, autocommit=False) as other:
        other.execute("SET session_replication_role = replica")
        with (
            connection.cursor() as first,
            other.cursor() as second,
            first.copy(
                "COPY segments (id, transcript_id, position, start_seconds, end_seconds, text, speaker, confidence, words)"
                " FROM STDIN"
            ) as texts,
            second.copy(
                "COPY search_entries (item_id, transcript_id, segment_id, position, schema_version, vector) FROM STDIN"
            ) as entries,
        ):
            held: tuple[list[str], int, int, int] | None = None
            for row in rows():
                found, segment_id, item, position = row
                speaker = _speaker(item, position)
                confidence = 0.5 + (segment_id % 50) / 100
                text = " ".join(found)
                texts.write_row(
                    (segment_id, item, position, position * 10.0, position * 10 + 9.0, text, speaker, confidence, "[]")
                )
                if held is not None:
                    entries.write_row(_entry(vocabulary, held, found if held[2] == item else []))
                held = row
            if held is not None:
                entries.write_row(_entry(vocabulary, held, []))
        other.commit()


def _entry(vocabulary: Vocabulary, row: tuple[list[str], int, int, int], following: list[str]) -> tuple[object, ...]:
    found, segment_id, item, position = row
    marks = marks_of(dataset_id=_dataset(item), item_id=item, speaker=_speaker(item, position))
    vector = entry_vector(found, following, vocabulary.stems, marks)
    return item, item, segment_id, position, SCHEMA_VERSION, vector


def _copy_vectors(connection: psycopg.Connection, vectors: int, model: str) -> None:
    generator = np.random.default_rng(SEED + 2)
    centers = cluster_centers()
    total = connection.execute("SELECT count(*) FROM segments").fetchone()
    step = max(1, (total[0] if total else 0) // max(vectors, 1))
    with (
        connection.cursor() as cursor,
        cursor.copy("COPY segment_embeddings (segment_id, transcript_id, model, vector) FROM STDIN") as copy,
    ):
        for start in range(0, vectors, 1000):
            which = generator.integers(CLUSTERS, size=min(1000, vectors - start))
            noise = generator.standard_normal((len(which), DIMENSIONS), dtype=np.float32)
            made = centers[which] + 0.6 * noise / np.linalg.norm(noise, axis=1, keepdims=True)
            made /= np.linalg.norm(made, axis=1, keepdims=True)
            for number, vector in enumerate(made, start):
                copy.write_row(
                    (
                        number * step + 1,
                        number * step // SEGMENTS_PER_ITEM + 1,
                        model,
                        "[" + ",".join(f"{value:.4f}" for value in vector) + "]",
                    )
                )


def copy_words(connection: psycopg.Connection, vocabulary: Vocabulary) -> None:
    rows = ((word, sorted(deletion_forms(word))) for word in vocabulary.words if len(word) >= 4)
    copy_rows(connection, "search_words", "word, slips", rows)
