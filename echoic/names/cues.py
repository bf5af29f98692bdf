"""Finds names by the words around or in them: a title before, ``River`` or ``Commission`` at the end."""

import re
from collections.abc import Iterator, Sequence

from echoic.names.known import known, listed
from echoic.records import EntityType, Span

_WORD = r"[A-ZÀ-ÞŁŚŽ][\w'’&.-]*\w|[A-Z]"
_CAPITALIZED = rf"(?:{_WORD})"
_MODEL = r"(?:[A-Z]{1,4}-?\d[\w-]*|\d[\w-]*|[A-Z]\d?)"
_PERSON_TITLES = listed(
    "Mr Mrs Ms Miss Mister Dr Doctor Prof Professor Captain Colonel Lieutenant Sergeant Admiral Senator Congressman "
    "Congresswoman Governor Commissioner Chairman Chairwoman Sir Lady Lord Reverend Detective Inspector"
)
_PARTICLES = "de|du|van|von|der|den|la|le|bin|ibn|al|of"

_COMPANY_HEADS = listed(
    "Inc Corp Corporation Company Ltd LLC GmbH AG Technologies Laboratories Laboratory Labs Industries Group Holdings "
    "Partners Airlines Airways Motors Electronics Pharmaceuticals Pharma Organization Times Tribune Herald Post "
    "Gazette Press Energy Systems Software Services Solutions Capital Ventures Studios Records Entertainment "
    "Communications Networks Insurance Logistics"
)
_PUBLIC_HEADS = listed(
    "Bank University College Institute Commission Agency Administration Association Foundation Council Committee "
    "Department Ministry Bureau Board Authority Society Union Party Museum Library Club Center Centre Federation "
    "Academy Academies Church Parliament Assembly"
)
"""Their names may go on: ``Commission on Fair Weather``."""
_ORGANIZATION_OPENINGS = listed(
    "University Bank Department Ministry Bureau Institute Center Centre Library Board Council Academy "
    "Association Federation Church Museum College School"
)
_PLACE_HEADS = listed(
    "River Street Avenue Road Boulevard Bridge Airport Station Island Islands Ocean Sea Mountain Mountains Valley "
    "Desert County City Crater Canal Harbor Harbour Highway Square Hotel Peninsula Falls Creek Village Province Tower "
    "Stadium Base Plaza Cathedral Palace Castle Beach"
)
_PLACE_OPENINGS = "Mount|Cape|Fort|Lake|Gulf of|Isle of|Strait of|Bay of|Port of|City of|Highway|Interstate"
_STREETS = "street|avenue|boulevard"
"""Last words of place names that are often written in small letters: ``Livingston street``."""
SURNAMES_TOO = ("Park", "Hill", "Hills", "Lake", "Forest", "Bay", "Banks", "Woods", "Fields")
"""Last words of place names that are surnames as well."""

_PRODUCT_HEADS = (
    "rover|spacecraft|spaceship|telescope|satellites?|rockets?|booster|lander|smartphones?|browser|vaccine|space probe"
    "|turbofans?|operating system|spreadsheet|video game|tablets?"
)
_PRODUCT_OPENINGS = (
    "shuttle|rover|spacecraft|telescope|lander|steamship|steamer|frigate|submarine|yacht|ferry|brand names?|brand"
    "|marketed as|sold as|known by the brand name|sold under the name|app called|program called|software called"
    "|game called|video game|messaging app|a drug called"
)
MAKERS = listed(
    "Apple Google Microsoft Amazon Samsung Sony Nintendo Nokia Motorola Adobe Oracle Tesla Ford Chevrolet Chevy Dodge "
    "Buick Cadillac Chrysler Jeep Toyota Honda Nissan Mazda Subaru Mitsubishi Hyundai Kia Volkswagen Audi BMW Porsche "
    "Opel Volvo Saab Renault Peugeot Citroën Citroen Fiat Ferrari Lamborghini Jaguar Bentley Freightliner Kenworth "
    "Peterbilt Harley-Davidson Kawasaki Yamaha Boeing Airbus Cessna Gulfstream Embraer Bombardier Lockheed Sikorsky "
    "Canon Nikon Kodak Garmin Lenovo Dell Toshiba Panasonic Netscape Mac Windows"
)
_NOT_MODELS = listed(
    "CEO CFO CTO President Chief Executive Chairman Vice Director Engineer Store Stores Inc Corp Corporation Company "
    "Motor Motors Group AG Electronics Research America North Foundation Credit Financial Industries Airlines Ltd LLC "
    "And Or But So He She They We It I In On At Is Was Has Had Will Would The"
)
_NOT_NUMBERED = frozenset(
    listed(
        "January February March April May June July August September October November December Flight Highway Route "
        "Interstate Section Chapter Room Page Level Article War Channel Figure Title Version Phase Runway Area Group "
        "Number No Volume Part Act Psalm Grade Gate Platform Apollo Gemini Expedition Size Type Table Class Line Unit "
        "Resolution Proposition Form Monday Tuesday Wednesday Thursday Friday Saturday Sunday Session Season Episode Day "
        "Week Year Star Quarter Q1 Q2 Q3 Q4 Top Super Covid Group Local Station Task Title Tier Step Question Item Exhibit Division Bowl"
    )
)

_RULES: tuple[tuple[EntityType, re.Pattern[str]], ...] = (
    (
        "person",
        re.compile(
            rf"\b(?i:{'|'.join(_PERSON_TITLES)})\.?\s+"
            rf"(?P<name>{_CAPITALIZED}(?:\s+(?:(?:{_PARTICLES})\s+){{0,2}}{_CAPITALIZED}){{0,3}})"
        ),
    ),
    (
        "organization",
        re.compile(
            rf"(?P<name>(?:{_CAPITALIZED}\s+(?:(?:of|for|and|on|&)\s+)?){{1,6}}(?:(?:{'|'.join(_COMPANY_HEADS)})\b"
            rf"|(?:{'|'.join(_PUBLIC_HEADS)})\b(?:\s+(?:of|for|on)\s+{_CAPITALIZED}"
            rf"(?:\s+(?:and\s+)?{_CAPITALIZED}){{0,3}})?))"
        ),
    ),
    (
        "organization",
        re.compile(
            rf"\b(?P<name>(?:{'|'.join(_ORGANIZATION_OPENINGS)})\s+(?:of|for|on)\s+(?:the\s+)?{_CAPITALIZED}"
            rf"(?:\s+(?:(?:and|of)\s+)?{_CAPITALIZED}){{0,4}})"
        ),
    ),
    ("place", re.compile(rf"(?P<name>(?:{_CAPITALIZED}\s+){{1,4}}(?:{'|'.join((*_PLACE_HEADS, *SURNAMES_TOO))}))\b")),
    ("place", re.compile(rf"(?P<name>(?:{_CAPITALIZED}\s+){{1,3}}(?:{_STREETS}))\b")),
    (
        "place",
        re.compile(rf"\b(?P<name>(?:{_PLACE_OPENINGS})\s+(?:{_CAPITALIZED}|\d\w*)(?:\s+{_CAPITALIZED})?)"),
    ),
    (
        "product",
        re.compile(rf"(?P<name>{_CAPITALIZED}(?:\s+(?:{_CAPITALIZED}|{_MODEL})){{0,2}})\s+(?:{_PRODUCT_HEADS})\b"),
    ),
    (
        "product",
        re.compile(rf"\b(?:{_PRODUCT_OPENINGS})\s+(?P<name>{_CAPITALIZED}(?:\s+(?:{_CAPITALIZED}|{_MODEL})){{0,2}})"),
    ),
    (
        "product",
        re.compile(
            rf"\b(?P<name>(?:{'|'.join(MAKERS)})(?:\s+(?!(?:{'|'.join(_NOT_MODELS)})\b)"
            rf"(?:{_CAPITALIZED}|{_MODEL})(?!\w)){{1,3}})"
        ),
    ),
)


_NUMBERED = re.compile(
    rf"(?<![\w-])(?P<name>{_CAPITALIZED}(?:\s+{_CAPITALIZED})?\s+(?:[A-Z]{{1,3}}-)?\d{{1,3}}(?!\d)[\w-]*)"
)
_CAMEL = re.compile(r"\bi(?:[A-Z][a-z]+)+\b")
_BEFORE_MODELS = re.compile(r"\b(?:an?|the|our|new|this|my)\s+$", re.IGNORECASE)


def find_products(text: str, said: Sequence[Span]) -> Iterator[Span]:
    """Find products written like ``iSlate``, and by a number after their name: ``our Umbra 24``.

    What the model ``said`` of the former counts more. A number alone makes no product. The name is one that is known, or that the model said too, or it stands after an
    article or the like.
    """
    starts = {span.start for span in said}
    for found in _CAMEL.finditer(text):
        if found.start() not in starts:
            yield Span(start=found.start(), end=found.end(), text=found[0], type="product")
    for found in _NUMBERED.finditer(text):
        start = found.start("name") + _leading_words(found["name"])
        name = text[start : found.end("name")]
        if " " not in name or not _stands("product", name) or _NO_MODEL.search(name):
            continue
        before = _BEFORE_MODELS.search(text, max(0, start - _LONGEST_BEFORE), start)
        if before is not None or start in starts or name.split()[0] in known("product"):
            yield Span(start=start, end=found.end("name"), text=name, type="product")


_LONGEST_BEFORE = 12
_NO_MODEL = re.compile(r"\b[1-4]Q\d*$|\d-[a-z]{2,}$")


def find_cued(text: str) -> Iterator[Span]:
    """Find every name that a rule matches, in the order of the rules. The names may overlap."""
    for kind, pattern in _RULES:
        for found in pattern.finditer(text):
            start, end = found.span("name")
            start += _leading_words(found["name"])
            name = text[start:end]
            if name and _stands(kind, name):
                yield Span(start=start, end=end, text=name, type=kind)


def _leading_words(name: str) -> int:
    """Return the number of characters of leading words that are capitalized only because they begin a sentence."""
    skipped = 0
    for word in name.split():
        if word.lower() not in _OPENING_WORDS:
            break
        rest = name[skipped + len(word) :]
        skipped += len(word) + len(rest) - len(rest.lstrip())
    return skipped


def _stands(kind: EntityType, name: str) -> bool:
    parts = name.split()
    if kind == "product" and any(digit.isdigit() for digit in parts[-1]) and len(parts) > 1:
        return parts[-2] not in _NOT_NUMBERED and not (parts[-1].isdigit() and parts[0] in known("place"))
    if kind in {"organization", "place"}:
        return len(parts) > 1
    return True


_OPENING_WORDS = frozenset(
    listed(
        "the a an this that these those in on at of for from to by with and but or so if when while after before today "
        "yesterday tomorrow both our my your his her its their we i you he she they it is was some about only over under "
        "every each all no not yes now then here there how why what who where near as"
    )
)
