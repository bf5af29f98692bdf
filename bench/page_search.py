"""How soon the page shows marked results while somebody types, over a corpus made by a seed.

The server computes the embedding of each query with the real encoder, as an installation does.
"""

import statistics
from pathlib import Path

import psycopg
from playwright.sync_api import Page

from bench.search_corpus import STOP_WORDS, Vocabulary, build
from echoic.db import migrate
from echoic.engines.registry import Engines
from echoic.postgres import EmbeddedPostgres
from echoic.settings import Settings

KEY_DELAY_MS = 60
"""Between two letters: a quick typist's."""
RANKS = (103, 2_000)
"""Of the words that are typed: those of the first rank are in 2 % of all segments, those of the second are rare."""
WORDS_A_RANK = 10
WARMING_RANK = 150
PATIENCE_MS = 60_000

WATCHED = """([word, patience]) => {
    const field = document.querySelector("#search-field");
    let typed = 0;
    const note = () => { typed = performance.now(); };
    field.addEventListener("input", note);
    window.shown = new Promise((done, fail) => {
        const end = performance.now() + patience;
        const look = () => {
            if (field.value === word && document.querySelector(`[data-answered="${word}"] mark`)) {
                field.removeEventListener("input", note);
                done(performance.now() - typed);
            } else if (performance.now() > end) fail(new Error(`no marked result for ${word}`));
            else requestAnimationFrame(look);
        };
        look();
    });
}"""


def fill(data_dir: Path, segments: int) -> list[str]:
    """Fill the database of an installation that has not begun yet; the server makes a key for its first account.

    Returns the words to be typed; the first is not measured. Raises SystemExit where the segments hold too few words.
    """
    settings = Settings(_env_file=None, data_dir=data_dir)
    engines = Engines(settings)
    with EmbeddedPostgres(settings) as server:
        migrate.upgrade(server.owner_url)
        model = engines.text_encoder.id.label
        vocabulary = build(server.owner_url, segments=segments, vectors=segments, model=model)
        with psycopg.connect(server.owner_url) as connection:
            rows = connection.execute("SELECT DISTINCT unnest(string_to_array(text, ' ')) FROM segments").fetchall()
    engines.close()
    return _chosen(vocabulary, {word for (word,) in rows})


def _chosen(vocabulary: Vocabulary, said: set[str]) -> list[str]:
    """A word to begin with and those that are measured: of the wanted ranks, or as near to them as the corpus says any."""
    ranks = [rank for rank, word in enumerate(vocabulary.words) if rank >= len(STOP_WORDS) and word in said]
    chosen: list[int] = []
    for wanted, count in ((WARMING_RANK, 1), *((rank, WORDS_A_RANK) for rank in RANKS)):
        near = sorted((rank for rank in ranks if rank not in chosen), key=lambda rank: (abs(rank - wanted), rank))
        chosen += sorted(near[:count])
    if len(chosen) < 1 + WORDS_A_RANK * len(RANKS):
        raise SystemExit(f"the corpus says only {len(ranks)} words that can be searched for: give it more --segments")
    return [vocabulary.words[rank] for rank in chosen]


def measure(page: Page, words: list[str]) -> dict[str, float]:
    """Milliseconds from the last letter of a word to marked results: the median, and all but the slowest in twenty."""
    first, *measured = words
    page.goto("/search")
    _typed(page, first)  # loads the text encoder
    taken = [_typed(page, word) for word in measured]
    return {"search_p50_ms": statistics.median(taken), "search_ms": sorted(taken)[len(taken) * 95 // 100 - 1]}


def _typed(page: Page, word: str) -> float:
    field = page.locator("#search-field")
    field.fill("")
    page.locator("[data-answered='']").wait_for()
    page.evaluate(WATCHED, [word, PATIENCE_MS])
    field.press_sequentially(word, delay=KEY_DELAY_MS)
    taken: float = page.evaluate("() => window.shown")
    return taken
