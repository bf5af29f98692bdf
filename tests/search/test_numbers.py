"""Numbers in queries and texts, however their digits are grouped."""

import pytest

from tests.factories import World, talk
from tests.search.conftest import Find, texts

SAID = {
    "english": "It costs $5,000 a month.",
    "plain": "About 5000 people came.",
    "german": "Das Auto kostet 1.250,50 Euro.",
    "french": "Le loyer est de 1\u202f250,50 euros.",
    "french blanks": "Il y a 12 500 habitants.",
    "swiss": "Die Miete beträgt 2'400 Franken.",
    "indian": "The crowd was 12,34,567 strong.",
    "million": "We sold 1,234,567 copies.",
    "arabic": "السعر ٧٬٥٠٠ دينار",
    "full-width": "価格は８，０００円です",
    "decimals": "Pi is about 3.14159 and a bit.",
    "year": "In 1999 we moved.",
    "phone": "Call 555-123-4567 now.",
    "address": "The server is 192.168.100.200 here.",
    "time": "We met at 10:30 sharp.",
    "version": "Install version 2.10.4 first.",
    "date": "On 28.11.2026 it begins.",
    "several": "Rooms 5, 000 and 7 are empty.",
}

FOUND: list[tuple[str, list[str]]] = [
    ("5000", ["english", "plain"]),
    ("5,000", ["english", "plain", "several"]),
    ("$5,000", ["english", "plain", "several"]),
    ("5.000", ["english", "plain", "several"]),
    ("5 000", ["english", "plain", "several"]),
    ("1250", ["french", "german"]),
    ("1.250,50", ["french", "german"]),
    ("1250,50", ["french", "german"]),
    ("1250.50", ["french", "german"]),
    ("1 250,50", ["french", "german"]),
    ("12500", ["french blanks"]),
    ("12.500", ["french blanks"]),
    ("2400", ["swiss"]),
    ("1234567", ["indian", "million"]),
    ("12,34,567", ["indian", "million"]),
    ("7500", ["arabic"]),
    ("8000", ["full-width"]),
    ('"costs 5000 a month"', ["english"]),
    ('"costs 5,000 a month"', ["english"]),
    ('"about 5,000 people"', ["plain"]),
    ("5000*", ["english", "plain", "several"]),
    ("125*", ["french", "french blanks", "german"]),
    ("costs -5000", []),
    ("3.14159", ["decimals"]),
    ("3.14*", ["decimals"]),
    ("1999", ["year"]),
    ("555-123-4567", ["phone"]),
    ("123-4567", ["phone"]),
    ("192.168", ["address"]),
    ("192.168.100.200", ["address"]),
    ("10:30", ["time"]),
    ("2.10.4", ["version"]),
    ("2.10", ["version"]),
    ("28.11.2026", ["date"]),
    ("2026", ["date"]),
    ("1,250 people", []),
]


@pytest.mark.parametrize("language", ["en", "de"])
async def test_a_number_is_found_however_its_digits_are_grouped(find: Find, world: World, language: str) -> None:
    tenant = await world.tenant()
    await world.item(tenant.dataset_id, talk(*SAID.values()), language=language)
    names = {sentence: name for name, sentence in SAID.items()}
    found = {query: sorted(names[hit] for hit in texts(await find(tenant, query))) for query, _ in FOUND}
    assert found == dict(FOUND)


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ("5000 month", "It costs $<mark>5,000</mark> a <mark>month</mark>."),
        ("5,000 month", "It costs $<mark>5,000</mark> a <mark>month</mark>."),
        ('"5000 a"', "It costs $<mark>5,000</mark> <mark>a</mark> month."),
        ("1250 Auto", "Das <mark>Auto</mark> kostet <mark>1.250</mark>,50 Euro."),
        ("1250,50 Auto", "Das <mark>Auto</mark> kostet <mark>1.250</mark>,<mark>50</mark> Euro."),
        ("1250 loyer", "Le <mark>loyer</mark> est de <mark>1\u202f250</mark>,50 euros."),
        ("8000", "価格は<mark>８，０００</mark>円です"),
        ("5000 people", "About <mark>5000</mark> <mark>people</mark> came."),
    ],
)
async def test_the_whole_number_is_marked(find: Find, world: World, query: str, shown: str) -> None:
    tenant = await world.tenant()
    await world.item(tenant.dataset_id, talk(*SAID.values()))
    assert [hit.highlighted for hit in (await find(tenant, query)).hits] == [shown]


async def test_a_number_is_found_in_a_title(find: Find, world: World) -> None:
    tenant = await world.tenant()
    await world.item(tenant.dataset_id, talk("hello"), title="Budget 2,500", description="000 nothing")
    assert [hit.highlighted for hit in (await find(tenant, "2500")).hits] == ["Budget <mark>2,500</mark>"]
    assert texts(await find(tenant, "2500000")) == []
