"""What a browser's audit of a page would find of ours: requests to other servers, and content that jumps while it loads."""

from playwright.sync_api import Page

MOST_SHIFT = 0.1
"""The most that may be called good (https://web.dev/articles/cls)."""
VIEWPORTS = ((1280, 800), (360, 740))

# The sum of all shifts is at least the worst window of them, by which pages are rated.
SHIFTED = """() => new Promise((done) => {
    let sum = 0;
    const observer = new PerformanceObserver((list) => {
        for (const shift of list.getEntries()) if (!shift.hadRecentInput) sum += shift.value;
    });
    observer.observe({ type: "layout-shift", buffered: true });
    setTimeout(() => { observer.disconnect(); done(sum); }, 100);
})"""


def audit(page: Page, base: str, routes: list[str]) -> tuple[float, list[str]]:
    """The largest layout shift of any route, on a wide screen and on a phone, and findings as sentences.

    A finding is a shift over ``MOST_SHIFT``, or an address of another server that a route asks.
    """
    elsewhere: list[str] = []
    page.on(
        "request", lambda asked: None if asked.url.startswith((base, "blob:", "data:")) else elsewhere.append(asked.url)
    )
    shifts: dict[str, float] = {}
    for width, height in VIEWPORTS:
        page.set_viewport_size({"width": width, "height": height})
        for route in routes:
            page.goto(route)
            page.wait_for_load_state("networkidle")
            shifts[f"{route} at a width of {width}"] = page.evaluate(SHIFTED)
    page.set_viewport_size({"width": VIEWPORTS[0][0], "height": VIEWPORTS[0][1]})
    findings = [f"{address} is asked, which is another server" for address in sorted(set(elsewhere))]
    findings += [f"{place} moves its content by {shift:.3f}" for place, shift in shifts.items() if shift > MOST_SHIFT]
    return max(shifts.values()), findings
