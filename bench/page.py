"""How quickly the page shows, follows and saves a recording of four hours and 60,000 words, in a real Chromium.

    python -m bench.page [--hours 4] [--segments 100000]

A whole server with engines that answer at once takes in a recording of tones; every line is then given 34 words by the API.
The page is measured from within: from the click on the recording to its first lines and to its whole text, the time of marking the
next word, the longest task while it plays and scrolls, and from Enter to a line that is saved and shown. A second server, with a
corpus for searching, is asked while one types. No route may ask another server, or move its content by more than 0.1 while it
loads. The last line has the figures that are watched; all of them stand above it.
"""

import argparse
import contextlib
import gzip
import shutil
import statistics
import tempfile
import time
import wave
from collections.abc import Iterator
from pathlib import Path

import httpx
import numpy as np
from playwright.sync_api import Browser, Page, sync_playwright

from bench import page_search
from bench.page_checks import audit
from echoic.testing.private_server import FAKE_ENGINES, PrivateServer

FILES = Path(__file__).parents[1] / "echoic" / "web_files"
RATE = 8000
VOICES_HERTZ = (110.0, 220.0)
TURN_SECONDS = 60
WORDS_A_LINE = 34
LEAST_HOURS = 0.25
"""A shorter recording has no room for what is measured."""
STEPS_FROM_SECONDS = 600
LINES_A_CALL = 500
EDITS = 10
WORD_STEPS = 500
WATCH_SECONDS = 10
PATIENCE_MS = 120_000
SWITCHES = ["--no-sandbox", "--disable-background-networking", "--autoplay-policy=no-user-gesture-required"]
REAL_ENCODER = {name: engine for name, engine in FAKE_ENGINES.items() if name != "ECHOIC_TEXT_ENCODER"}
WATCHED_FIGURES = ("item_4h_ms", "highlight_ms", "search_ms", "js_gz_kb", "long_task_ms")
"""The figures of the last line."""
ROUTES = [
    *("/", "/items/{item_id}", "/datasets/1", "/search?q=candle", "/people/my-library"),
    *("/entities", "/entities/place/London", "/account", "/pricing", "/record", "/libraries/my-library"),
    *("/admin", "/admin/failures", "/admin/accounts", "/admin/storage", "/admin/health"),
]

OPENED = """async (id) => {
    const link = document.querySelector(`a[href="/items/${id}"]`);
    const started = performance.now();
    link.click();
    const idle = () => new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
    while (!document.querySelector(".transcript p")) await idle();
    await idle();
    return performance.now() - started;
}"""
STEPPED = """async ([first, steps]) => {
    const audio = document.querySelector("audio");
    const taken = [];
    for (let step = 0; step < steps; step += 1) {
        audio.currentTime = first + step * 0.24;
        const started = performance.now();
        audio.dispatchEvent(new Event("seeked"));
        taken.push(performance.now() - started);
        if (step % 50 === 0) await new Promise((done) => requestAnimationFrame(done));
    }
    return taken;
}"""
WATCHED = """async (seconds) => {
    let longest = 0;
    const observer = new PerformanceObserver((list) => {
        for (const entry of list.getEntries()) longest = Math.max(longest, entry.duration);
    });
    observer.observe({ type: "longtask" });
    await document.querySelector("audio").play();
    const end = performance.now() + seconds * 1000;
    while (performance.now() < end) {
        scrollBy(0, 400);
        await new Promise((done) => requestAnimationFrame(done));
    }
    document.querySelector("audio").pause();
    observer.disconnect();
    return longest;
}"""


def recording(folder: Path, hours: float) -> Path:
    """Two tones that take turns, as a WAV file."""
    path = folder / "tones.wav"
    turn = [
        (8000 * np.sin(2 * np.pi * hertz * np.arange(TURN_SECONDS * RATE) / RATE)).astype("<i2").tobytes()
        for hertz in VOICES_HERTZ
    ]
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        for number in range(round(hours * 3600 / TURN_SECONDS)):
            file.writeframes(turn[number % len(turn)])
    return path


def publish(client: httpx.Client, path: Path) -> int:
    """Upload the recording and wait for its transcript."""
    with path.open("rb") as file:
        accepted = client.post("/api/datasets/1/items", files={"audio": (path.name, file)}, timeout=600).json()
    item_id: int = accepted["item_id"]
    while (item := client.get(f"/api/items/{item_id}").json())["status"] != "published":
        if item["status"] in ("failed", "cancelled"):
            raise SystemExit(f"the recording was not transcribed: {item['error']}")
        time.sleep(1)
    return item_id


def fill(client: httpx.Client, item_id: int) -> int:
    """Give every line its words; returns how many words there are."""
    lines = client.get(f"/api/items/{item_id}/transcript").json()["segments"]
    vocabulary = sorted({word for line in lines for word in line["text"].split()})
    for first in range(0, len(lines), LINES_A_CALL):
        texts = [
            {
                "id": line["id"],
                "text": " ".join(vocabulary[(line["id"] * 7 + at) % len(vocabulary)] for at in range(WORDS_A_LINE)),
            }
            for line in lines[first : first + LINES_A_CALL]
        ]
        client.patch(
            f"/api/items/{item_id}/transcript/segments", json={"segments": texts}, timeout=600
        ).raise_for_status()
    return len(lines) * WORDS_A_LINE


def sign_in(page: Page, client: httpx.Client) -> None:
    """Open the page as somebody who is signed in."""
    client.put(
        "/api/account/sign-in", json={"sign_in_name": "bench", "password": "a password for this"}
    ).raise_for_status()
    page.goto("/")
    page.get_by_label("Name").fill("bench")
    page.get_by_label("Password").fill("a password for this")
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("heading", name="Latest recordings").wait_for()


def edit(page: Page, line: int) -> float:
    """Milliseconds from Enter to a line that is saved and shown."""
    text = page.locator(".transcript p").nth(line)
    text.scroll_into_view_if_needed()
    text.focus()
    page.keyboard.press("e")
    text.fill(f"said otherwise {line}")
    started = time.perf_counter()
    text.press("Enter")
    page.wait_for_function(
        "line => !document.querySelectorAll('.transcript p')[line].matches('.saving, [contenteditable=\"plaintext-only\"]')",
        arg=line,
    )
    return (time.perf_counter() - started) * 1000


def measure(page: Page, item_id: int) -> dict[str, float]:
    """All figures of the open page, in milliseconds."""
    page.goto("/datasets/1")
    page.locator(f'a[href="/items/{item_id}"]').wait_for()
    opened: float = page.evaluate(OPENED, item_id)
    whole_started = time.perf_counter()
    page.get_by_role("button", name="Find and replace").and_(page.locator(":enabled")).wait_for()
    whole = opened + (time.perf_counter() - whole_started) * 1000
    steps: list[float] = page.evaluate(STEPPED, [STEPS_FROM_SECONDS, WORD_STEPS])
    longest: float = page.evaluate(WATCHED, WATCH_SECONDS)
    edits = [edit(page, 20 + line) for line in range(EDITS)]
    return {
        "item_4h_ms": opened,
        "item_4h_whole_ms": whole,
        "highlight_ms": statistics.mean(steps),
        "long_task_ms": longest,
        "edit_ms": statistics.median(edits),
    }


def script_kilobytes() -> float:
    """Compressed size of the scripts that a recording needs before it is shown, with the words of one language."""
    index = (FILES / "index.html").read_text(encoding="utf-8")
    needed = [path for path in (FILES / "assets").glob("*.js") if path.name in index or path.name.startswith("en-")]
    return sum(len(gzip.compress(path.read_bytes())) for path in needed) / 1000


@contextlib.contextmanager
def visit(browser: Browser, server: PrivateServer) -> Iterator[Page]:
    """The page of a server as somebody who is signed in sees it."""
    context = browser.new_context(base_url=str(server.client.base_url))
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    sign_in(page, server.client)
    yield page
    context.close()


def of_the_recording(browser: Browser, folder: Path, hours: float) -> tuple[dict[str, float], list[str]]:
    """The figures of a long recording and the largest shift of any route, and what the audit finds wrong."""
    with PrivateServer(folder, **FAKE_ENGINES) as server:
        item_id = publish(server.client, recording(folder, hours))
        words = fill(server.client, item_id)
        with visit(browser, server) as page:
            measured = measure(page, item_id)
            base = str(server.client.base_url).rstrip("/")
            shift, findings = audit(page, base, [route.format(item_id=item_id) for route in ROUTES])
    return {"words": words, **measured, "layout_shift": shift}, findings


def of_search(browser: Browser, folder: Path, segments: int) -> dict[str, float]:
    """The figures of searching while one types."""
    words = page_search.fill(folder, segments)
    with PrivateServer(folder, **REAL_ENCODER) as server, visit(browser, server) as page:
        return page_search.measure(page, words)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hours", type=float, default=4.0)
    parser.add_argument("--segments", type=int, default=100_000, help="So many are searched.")
    given = parser.parse_args()
    if given.hours < LEAST_HOURS:
        parser.error(f"--hours: at least {LEAST_HOURS}")
    program = shutil.which("chromium") or shutil.which("chromium-browser")
    if program is None:
        raise SystemExit("no Chromium: install it (apt-get install chromium)")
    with tempfile.TemporaryDirectory(prefix="echoic-bench-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        folder.chmod(0o711)
        folders = [folder / "recording", folder / "search"]
        for one in folders:
            one.mkdir(mode=0o711)
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=program, args=SWITCHES)
            figures, findings = of_the_recording(browser, folders[0], given.hours)
            figures |= of_search(browser, folders[1], given.segments)
            browser.close()
    figures["js_gz_kb"] = script_kilobytes()
    for figure, value in figures.items():
        print(f"{figure:<18}{value:>12.3f}")
    print(" ".join(f"{figure}={figures[figure]:.3f}" for figure in WATCHED_FIGURES))
    if findings:
        raise SystemExit("\n".join(findings))


if __name__ == "__main__":
    main()
