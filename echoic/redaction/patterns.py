"""E-mail addresses, written and spoken, and postal addresses, by rule."""

import re
from collections.abc import Iterator

from echoic.redaction.digits import NUMBER_WORD, Found

_TLD = r"(?:com|org|net|edu|gov|info|biz|io|co|ai|app|dev|me|tv|eu|uk|us|ca|au|de|at|ch|fr|es|it|nl|be|pl|se|dk|no|fi|jp|in)"
_DOT = r"(?:\s*\.\s*|\s+(?:dot|punkt|point|punto)\s+)"
_JOIN = rf"(?:{_DOT}|\s*[_+-]\s*|\s+(?:underscore|dash|hyphen|minus|plus|unterstrich|bindestrich)\s+)"
_AT = r"(?:at|ät|arroba|arobase)"
_SPELLED_ON = r"(?:[\s,.-]+[A-Za-z0-9]\b(?![%'’])){2,32}"
_SPELLED = rf"(?:[A-Za-z0-9]{_SPELLED_ON})"
# What is repeated is atomic or possessive: signs and spelled letters can be read in several ways, and a text that has
# many of them would be tried in all combinations. Repeats are bounded, as a local part is (64 characters, RFC 5321, 4.5.3.1.1):
# without a bound the time would grow with the square of the length where dots are many.
_LOCAL_JOIN = rf"(?:{_JOIN}|(?<=[\w%+'’-][_+-])\s+(?!{_AT}\s))"
_PART = rf"(?:{_SPELLED}|[\w%+'’-]+)"
_LOCAL = rf"(?>{_PART}(?:{_LOCAL_JOIN}{_PART}|(?<=[_+-][A-Za-z0-9]){_SPELLED_ON}){{0,16}})"
_HOST_JOIN = rf"(?:{_JOIN}|(?<=[\w-][_-])\s+)"
_EMAIL = re.compile(
    rf"(?<![\w'’])(?:{_LOCAL}\s*@\s*[\w-]++(?:{_DOT}(?P<label>[\w-]++))+"
    rf"|{_LOCAL}\s+{_AT}\s+[\w-]++(?:{_HOST_JOIN}[\w-]++)*?{_DOT}(?P<domain>{_TLD})(?:{_DOT}(?P<suffix>{_TLD}))*)(?!\w)",
    re.IGNORECASE,
)

_NUMBER = rf"(?:\d{{1,5}}[A-Za-z]?|(?:{NUMBER_WORD})(?:[\s-]+(?:{NUMBER_WORD}|hundred|hundert))*)"
_NAME = r"[A-ZÀ-Ý][\w'’.-]*"
_NUMBERED_NAME = rf"(?:{_NAME}|\d{{1,3}}(?:st|nd|rd|th))"
_ENGLISH_WAY = (
    r"(?:Street|St|Avenue|Ave|Road|Rd|Boulevard|Blvd|Lane|Ln|Drive|Dr|Court|Ct|Square|Sq|Way|Place|Pl|Terrace|Close|"
    r"Crescent|Parkway|Pkwy|Highway|Hwy|Circle|Row|Mews|Gardens|Grove)"
)
_GERMAN_WAY = (
    r"(?:[A-ZÄÖÜ][\w-]*(?:straße|strasse|str\.|weg|gasse|platz|allee|ring|ufer|damm|graben|chaussee)"
    r"|(?:[A-ZÄÖÜ][\w-]*\s+){1,2}(?:Straße|Strasse|Str\.|Weg|Gasse|Platz|Allee|Ring|Ufer|Damm)"
    r"|(?:Am|An der|Im|In der|Zum|Zur)\s+[A-ZÄÖÜ][\w-]+)"
)
_ROMANCE_WAY = r"(?:rue|avenue|boulevard|place|chemin|impasse|quai|calle|avenida|plaza|paseo|via|viale|piazza)"
_UK_POSTCODE = r"[A-Z]{1,2}\d[A-Z\d]? ?\d[A-Z]{2}"
_UNIT = r"(?:,?\s+(?:Apt|Apartment|Suite|Unit|Flat|Floor|#)\.?\s*#?\w+)?"
_ENGLISH_TAIL = (
    rf"(?:,?\s+(?:in\s+)?{_NAME}(?:\s+{_NAME}){{0,2}})?"
    rf"(?:,?\s+(?:{_UK_POSTCODE}|(?:{_NAME}\s+){{0,2}}\d{{5}}(?:-\d{{4}})?))?"
)
_PLACE_TAIL = rf"(?:,?\s+(?:(?:in|à|en)\s+)?\d{{5}}\s+{_NAME}(?:[\s-]{_NAME}){{0,2}}|,?\s+(?:in|à|en)\s+{_NAME})?"
_ADDRESSES = (
    re.compile(
        rf"(?<!\w)(?i:{_NUMBER}),?\s+(?:{_NUMBERED_NAME}\s+){{1,4}}{_ENGLISH_WAY}\b\.?(?:\s+(?:North|South|East|West|[NSEW]{{1,2}})\b)?"
        rf"{_UNIT}{_ENGLISH_TAIL}"
    ),
    re.compile(
        rf"(?<!\w){_GERMAN_WAY},?\s+(?:Nummer\s+|Hausnummer\s+)?(?i:{_NUMBER})(?!\w)(?:\s?[a-h]\b)?{_PLACE_TAIL}"
    ),
    re.compile(
        rf"(?<!\w)(?i:{_NUMBER}),?\s+(?:bis\s+|ter\s+)?(?i:{_ROMANCE_WAY})\s+(?:(?:de|du|des|la|le|les|l'|d')\s*)*"
        rf"{_NAME}(?:[\s-]{_NAME}){{0,3}}{_PLACE_TAIL}"
    ),
    re.compile(
        rf"(?<!\w)(?i:{_ROMANCE_WAY})\s+(?:(?:de|del|la|las|los|di|della)\s+)*{_NAME}(?:\s+{_NAME}){{0,3}},?\s+"
        rf"(?:número\s+|numero\s+|n\.º\s*)?(?i:{_NUMBER})(?!\w){_PLACE_TAIL}"
    ),
    re.compile(rf"(?<!\w){_UK_POSTCODE}(?!\w)"),
    re.compile(rf"(?<!\w)P\.?\s?O\.?\s+Box\s+(?i:{_NUMBER})(?!\w)", re.IGNORECASE),
)


def find_emails(text: str) -> Iterator[Found]:
    """Yield the e-mail addresses in a text: ``ada@example.org``, ``ada dot l at example dot org``.

    What is taken for the last label of one address may begin the next, as in ``a@b.org dot c@d.org``, so that it is in both.
    """
    at = 0
    while match := _EMAIL.search(text, at):
        yield Found(match.start(), match.end(), "email")
        at = max(match.start(label) for label in ("label", "domain", "suffix"))


def find_addresses(text: str) -> Iterator[Found]:
    """Yield the postal addresses in a text: a house with its street, and what is said of the town after it."""
    for pattern in _ADDRESSES:
        for match in pattern.finditer(text):
            yield Found(match.start(), match.end(), "address")
