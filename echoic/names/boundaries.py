"""Finds where a name begins and ends: articles, titles, possessives and punctuation around it are no part of it."""

import re
from dataclasses import replace

from echoic.names.known import listed
from echoic.records import Span

TITLES = listed(
    "Mr Mrs Ms Miss Mister Missus Madam Madame Monsieur Dr Doctor Prof Professor Sir Lady Lord Dame Count Countess "
    "Captain Capt Colonel Col Lieutenant Lt Sergeant Sgt Major General Gen Admiral Commander President Chairman "
    "Chairwoman Chancellor Senator Sen Congressman Congresswoman Representative Rep Governor Gov Mayor Judge Justice "
    "Secretary Commissioner Administrator Director Minister Ambassador Speaker Officer Detective Inspector Sheriff "
    "Reverend Rev Rabbi Pope Bishop Archbishop Cardinal King Queen Prince Princess Emperor Uncle Aunt"
)
NOT_NAMES = frozenset(
    listed(
        "halloween hanukkah ramadan passover diwali eid new-year gaap non-gaap ebitda eps cogs sg&a p&l q&a r&d m&a roi roe roa "
        "capex opex kpi kpis iot dtc d2c b2b b2c ceo cfo coo cto cio cmo hr ipo ppe faq llc "
        "covid covid-19 internet web wi-fi wifi bluetooth pdf gps ai dna tv dvd cd usb monday tuesday wednesday thursday "
        "friday saturday sunday january february march april may june july august september october november december "
        "christmas easter thanksgiving speaker sir madam ma'am mr mrs ms miss mister dr doctor i um uh yeah okay ok"
    )
)
"""Words that models take for names, although they name no person, organization, place or product."""

_TITLE_WORDS = frozenset([*(title.lower() for title in TITLES), "vice", "madam", "the", "acting"])
_TITLE = rf"(?:{'|'.join(TITLES)})"
_LEADING = re.compile(
    rf"(?:(?:the|a|an|this|that|our|my|your|his|her|their)\s+|(?:(?:vice|acting|former|first)\s+)?{_TITLE}\b\.?,?\s+|[^\w]+)+",
    re.IGNORECASE,
)
_LEADING_ARTICLE = re.compile(
    rf"(?:(?:vice\s+)?{_TITLE}\s+(?:of|for|at)\s+)?(?:(?:the|a|an|this|that|our|my|your|his|her|their|of|for|at|in|on|with|and)\s+|[^\w]+)+",
    re.IGNORECASE,
)
_PERIOD = re.compile(
    r"\s*\b(?:(?:first|second|third|fourth|full|fiscal)[- ](?:quarters?|half|year)|Q[1-4]\b|[1-4]Q\d*|H[12]\b|FY\d*"
    r"|(?:quarterly\s+)?earnings\s+(?:conference|call|release)|conference\s+call).*",
    re.IGNORECASE | re.DOTALL,
)
"""What a name ends before: ``Umbra Third Quarter 2020 Earnings Call`` names Umbra."""
_NO_NAME = re.compile(
    r".*\bAct|.*\bForm \d[\w-]*|covid\b.*|(?:www\.)?[\w-]+\.(?:com|org|net|io|gov|edu)", re.IGNORECASE
)
_TRAILING = re.compile(r"(?:['’]s?|[^\w.)]|(?<!\b\w)\.)+$")
_STRUCTURE = re.compile(r"\s*[,;]\s+(?!Inc\b|Ltd\b|LLC\b|Corp\b|Jr\b|Sr\b)(?:(?:and|or)\s+)?|\s+or\s+")


def trimmed(span: Span) -> Span | None:
    """Trim a span to the name alone. Returns None if nothing is left, or no name."""
    start, end = span.start, span.end
    leading = (_LEADING if span.type == "person" else _LEADING_ARTICLE).match(span.text)
    # A span that is a title alone keeps it here, and is dropped below.
    if leading is not None and leading.end() < len(span.text):
        start += leading.end()
    trailing = _TRAILING.search(span.text)
    if trailing is not None:
        end = span.start + trailing.start()
    period = _PERIOD.search(span.text, start - span.start)
    if period is not None:
        end = min(end, span.start + period.start())
    if end <= start:
        return None
    text = span.text[start - span.start : end - span.start]
    parts = [word.strip(".,").lower() for word in text.split()]
    if (
        not any(map(str.isalpha, text))
        or text.lower() in NOT_NAMES
        or _NO_NAME.fullmatch(text)
        or _TITLE_WORDS.issuperset(parts)
    ):
        return None
    return replace(span, start=start, end=end, text=text)


def parted(span: Span) -> list[Span]:
    """Split a list that was taken for one name, such as ``Pepcid, Nexium or Prilosec``, into its names."""
    parts = []
    start = 0
    for gap in [*_STRUCTURE.finditer(span.text), None]:
        end = len(span.text) if gap is None else gap.start()
        if end > start:
            parts.append(replace(span, start=span.start + start, end=span.start + end, text=span.text[start:end]))
        start = len(span.text) if gap is None else gap.end()
    return parts


def title_before(text: str, start: int) -> str | None:
    """The title before the name that begins at ``start``, in small letters and without its period; None without one."""
    found = _TITLE_AT_END.search(text, max(0, start - _LONGEST_TITLE), start)
    return None if found is None else found[1].lower()


_LONGEST_TITLE = max(map(len, TITLES)) + 4
_TITLE_AT_END = re.compile(rf"\b({_TITLE})\b\.?\s+$", re.IGNORECASE)
