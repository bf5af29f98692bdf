"""How soon the page shows marked results while somebody types, over a corpus made by a seed.

The server computes the embedding of each query with the real encoder, as an installation does.
"""

import statistics
from pathlib import Path

from playwright.sync_api import Page

from bench.search_corpus import Vocabulary, build
from echoic.db import migrate
from echoic.engines.registry import Engines
from echoic.postgres import EmbeddedPostgres
from echoic.settings import Settings

KEY_DELAY_MS = 60
"""Between two letters: a quick typist's."""
WORDS = (slice(103, 113), slice(2_000, 2_010))
"""Words by rank: ten that 2 % of all segments hold, and ten rare ones."""

WATCHED = """(word) => {
    const field = document.querySelector("#search-field");
    let typed = 0;
    const note = () => { typed = performance.now(); };
    field.addEventListener("input", note);
    window.shown = new Promise((done) => {
        const look = () => {
            if (field.value === word && document.querySelector(`[data-answered="${word}"] mark`)) {
                field.removeEventListener("input", note);
                done(performance.now() - typed);
            } else requestAnimationFrame(look);
        };
        look();
    });
}"""


def fill(data_dir: Path, segments: int) -> Vocabulary:
    """Fill the database of an installation that has not begun yet; the server makes a key for its first account."""
    settings = Settings(_env_file=None, data_dir=data_dir)
    engines = Engines(settings)
    with EmbeddedPostgres(settings) as server:
        migrate.upgrade(server.owner_url)
        model = engines.text_encoder.id.label
        vocabulary = build(server.owner_url, segments=segments, vectors=segments, model=model)
    engines.close()
    return vocabulary


def measure(page: Page, vocabulary: Vocabulary) -> dict[str, float]:
    """Milliseconds from the last letter of a word to marked results: the median, and all but the slowest in twenty."""
    words = [word for part in WORDS for word in vocabulary.words[part]]
    page.goto("/search")
    _typed(page, vocabulary.words[150])  # loads the text encoder
    taken = [_typed(page, word) for word in words]
    return {"search_p50_ms": statistics.median(taken), "search_ms": sorted(taken)[len(taken) * 95 // 100 - 1]}


def _typed(page: Page, word: str) -> float:
    field = page.locator("#search-field")
    field.fill("")
    page.locator("[data-answered='']").wait_for()
    page.evaluate(WATCHED, word)
    field.press_sequentially(word, delay=KEY_DELAY_MS)
    taken: float = page.evaluate("() => window.shown")
    return taken
