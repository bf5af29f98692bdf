"""Runs of digits, written or spoken, and what they are: numbers of telephones, cards and bank accounts.

Every run of seven digits or more that is no date, no amount and no list of years is taken for the number of a telephone.
No table of the world's telephone numbers decides: a number of which one digit was misheard must be hidden as well.
Sources: Luhn's check digit in ISO/IEC 7812-1, annex B; the check of an IBAN in ISO 13616-1, modulo 97-10 of ISO/IEC 7064.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from echoic.redaction.policy import Kind

MIN_PHONE_DIGITS, MAX_PHONE_DIGITS = 7, 15
"""Local numbers without an area code have seven digits; international ones at most 15, without what is dialed before (ITU-T E.164)."""
CARD_DIGITS = range(13, 20)
MIN_DOUBTFUL_CARD_DIGITS = 12
"""A run of so many digits is a card's after a word for cards, though its check digit is wrong: one may be misheard."""
MIN_IBAN_CHARACTERS, MAX_IBAN_CHARACTERS = 15, 34
MIN_IBAN_DIGITS = 10
CONTEXT_CHARACTERS = 60
"""A word for cards or accounts counts where it stands so near before the run."""
MAX_SIGNS_BETWEEN, MAX_WORDS_BETWEEN = 4, 2
"""So many signs and so many words without meaning may stand between two digits of a run."""
YEARS = range(1900, 2100)

_UNITS = {
    **dict(
        zip(["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"], "0123456789", strict=True)
    ),
    "oh": "0",
    "o": "0",
    "nought": "0",
    **dict(
        zip(
            ["null", "eins", "zwei", "drei", "vier", "fünf", "sechs", "sieben", "acht", "neun"],
            "0123456789",
            strict=True,
        )
    ),
    "zwo": "2",
    **dict(
        zip(["zéro", "un", "deux", "trois", "quatre", "cinq", "six", "sept", "huit", "neuf"], "0123456789", strict=True)
    ),
    **dict(
        zip(
            ["cero", "uno", "dos", "tres", "cuatro", "cinco", "seis", "siete", "ocho", "nueve"],
            "0123456789",
            strict=True,
        )
    ),
}
_TEENS = {
    word: str(value)
    for line in (
        "ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen",
        "zehn elf zwölf dreizehn vierzehn fünfzehn sechzehn siebzehn achtzehn neunzehn",
    )
    for value, word in enumerate(line.split(), 10)
} | {"dix": "10", "onze": "11", "douze": "12", "treize": "13", "quatorze": "14", "quinze": "15", "seize": "16"}
_TENS = {
    word: str(value)
    for line in (
        "twenty thirty forty fifty sixty seventy eighty ninety",
        "zwanzig dreißig vierzig fünfzig sechzig siebzig achtzig neunzig",
    )
    for value, word in zip(range(20, 100, 10), line.split(), strict=True)
} | {"vingt": "20", "trente": "30", "quarante": "40", "cinquante": "50", "soixante": "60"}
_TENS |= {"dreissig": "30", "veinte": "20", "treinta": "30", "cuarenta": "40", "cincuenta": "50"}
_HUNDRED = frozenset({"hundred", "hundert"})
_TIMES = {"double": 2, "triple": 3, "doppel": 2}
_GERMAN_PAIR = re.compile(
    r"(ein|zwei|drei|vier|fünf|sechs|sieben|acht|neun)und"
    r"(zwanzig|drei(?:ß|ss)ig|vierzig|fünfzig|sechzig|siebzig|achtzig|neunzig)"
)
NUMBER_WORD = "|".join(sorted({*_UNITS, *_TEENS, *_TENS} - {"o", "oh", "un"}, key=len, reverse=True))
"""For patterns: a number that is spoken."""

_BETWEEN = frozenset(
    (
        "um",
        "uh",
        "er",
        "ehm",
        "äh",
        "ähm",
        "öh",
        "euh",
        "eh",
        "and",
        "then",
        "und",
        "dann",
        "et",
        "puis",
        "y",
        "plus",
        "dash",
        "hyphen",
    )
)
_SIGNS = frozenset("+-–—‑./(),;…")
_TOKEN = re.compile(
    r"(?P<date>(?<![\d./-])(?:\d{4}-\d{1,2}-\d{1,2}|\d{1,2}[./]\d{1,2}[./](?:19|20)?\d{2})(?![./-]?\d))"
    r"|(?P<amount>(?<![\d,.])[1-9]\d{0,2}(?:,\d{3})+(?:\.\d+)?(?![,.]?\d))"
    r"|(?P<digits>\d+)|(?P<word>[^\W\d_]+)|(?P<sign>\S)"
)
_CARD_WORD = re.compile(r"\b(?:card|credit|debit|visa|master ?card|amex|\w*karten?|carte|tarjeta)\b", re.IGNORECASE)
_IBAN_WORD = re.compile(r"\b(?:iban|i\.? ?b\.? ?a\.? ?n)\b", re.IGNORECASE)
_WRITTEN_IBAN = re.compile(r"(?<!\w)[A-Z]{2}[ -]?\d{2}(?:[ -]?[A-Z0-9]{1,4}){3,8}(?!\w)")
_COUNTRY = re.compile(r"(?:^|(?<=[^\w]))([A-Za-z])[\s.,-]{0,3}([A-Za-z])[\s.,:-]{0,3}$")


@dataclass(frozen=True, slots=True)
class Found:
    """A stretch of a text, in characters, and what it is."""

    start: int
    end: int
    kind: Kind


_Token = tuple[int, int, str]


@dataclass(slots=True)
class _Run:
    """Digits that are said one after the other: where each token stands, and its digits."""

    tokens: list[_Token] = field(default_factory=list)
    last_is_ten: bool = False

    def add(self, start: int, end: int, digits: str, *, is_ten: bool = False, is_unit: bool = False) -> None:
        if self.last_is_ten and is_unit and digits != "0":
            before, _, tens = self.tokens.pop()
            self.tokens.append((before, end, tens[0] + digits))
        else:
            self.tokens.append((start, end, digits))
        self.last_is_ten = is_ten


def find_numbers(text: str) -> list[Found]:
    """Return the numbers of bank accounts, cards and telephones in a text.

    Stretches may overlap: digits that may be one or the other are found as each of them, since a policy may hide one kind alone.
    """
    certain, doubtful = _written_ibans(text)
    found = [*certain, *doubtful]
    for run in _runs(text):
        # Another number may be said in one breath with a bank account.
        tokens = [
            (start, end, digits)
            for start, end, digits in run.tokens
            if not any(iban.start < end and start < iban.end for iban in certain)
        ]
        found += _readings(text, tokens) if tokens else ()
    return found


def luhn_holds(digits: str) -> bool:
    """Return whether the last digit is the check digit of the others (ISO/IEC 7812-1, annex B)."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (1 + place % 2)
        total += value - 9 if value > 9 else value  # noqa: PLR2004 -- the sum of the two digits of 10 to 18
    return total % 10 == 0


def iban_holds(iban: str) -> bool:
    """Return whether the check digits of an IBAN without blanks are right (ISO 13616-1)."""
    if not MIN_IBAN_CHARACTERS <= len(iban) <= MAX_IBAN_CHARACTERS:
        return False
    moved = iban[4:] + iban[:4]
    return int("".join(str(int(character, 36)) for character in moved)) % 97 == 1


def _readings(text: str, tokens: Sequence[_Token]) -> Iterator[Found]:
    start, end = tokens[0][0], tokens[-1][1]
    digits = "".join(said for _, _, said in tokens)
    before = text[max(0, start - CONTEXT_CHARACTERS) : start]
    country = _COUNTRY.search(before)
    with_country = start if country is None else start - len(before) + country.start()
    if country is not None and iban_holds(f"{country[1]}{country[2]}".upper() + digits):
        yield Found(with_country, end, "iban")
        return
    if len(digits) >= MIN_IBAN_DIGITS and _IBAN_WORD.search(before):
        yield Found(with_country, end, "iban")
    if _holds_card(tokens) or (len(digits) >= MIN_DOUBTFUL_CARD_DIGITS and _CARD_WORD.search(before)):
        yield Found(start, end, "card")
    years = all(len(token) == 4 and int(token) in YEARS for _, _, token in tokens)  # noqa: PLR2004 -- digits of a year
    if len(digits) >= MIN_PHONE_DIGITS and not years and not _is_card(digits):
        yield Found(start, end, "phone")


def _is_card(digits: str) -> bool:
    """Return whether digits are the number of a card and of no telephone: of one in ten, the check digit is right by chance."""
    longer_than_phones = MAX_PHONE_DIGITS < len(digits) < CARD_DIGITS.stop
    return longer_than_phones and not digits.startswith("0") and luhn_holds(digits)


def _holds_card(tokens: Sequence[_Token]) -> bool:
    """Return whether tokens in a row are the number of a card; what else was said in one breath belongs to it."""
    for first in range(len(tokens)):
        digits = ""
        for _, _, token in tokens[first:]:
            digits += token
            if len(digits) >= CARD_DIGITS.stop:
                break
            if len(digits) in CARD_DIGITS and len(set(digits)) > 1 and luhn_holds(digits):
                return True
    return False


def _written_ibans(text: str) -> tuple[list[Found], list[Found]]:
    """Return the numbers whose check digits are right, and what only looks like one: a telephone number after *OK* does."""
    certain, doubtful = [], []
    for match in _WRITTEN_IBAN.finditer(text):
        end = match.end()
        # A word in capitals after it may have been taken along.
        while not iban_holds(_bare(text[match.start() : end])) and (shorter := _without_last_group(text, match, end)):
            end = shorter
        if iban_holds(_bare(text[match.start() : end])):
            certain.append(Found(match.start(), end, "iban"))
        elif sum(character.isdigit() for character in _bare(match[0])) >= MIN_IBAN_DIGITS:
            doubtful.append(Found(match.start(), match.end(), "iban"))
    return certain, doubtful


def _without_last_group(text: str, match: re.Match[str], end: int) -> int | None:
    cut = max(text.rfind(" ", match.start(), end), text.rfind("-", match.start(), end))
    return cut if cut > match.start() + 4 else None


def _bare(iban: str) -> str:
    return iban.replace(" ", "").replace("-", "")


def _runs(text: str) -> Iterator[_Run]:
    run, signs, words, times = _Run(), 0, 0, 1
    prefix: int | None = None
    for match in _TOKEN.finditer(text):
        word = (match["word"] or "").lower()
        spoken = _spoken(word)
        if match["digits"] is not None or spoken is not None:
            said = match["digits"] or spoken or ""
            is_unit = spoken is not None and word in _UNITS and times == 1
            start = match.start() if prefix is None else prefix
            run.add(start, match.end(), said * times, is_ten=word in _TENS, is_unit=is_unit)
            signs, words, times, prefix = 0, 0, 1, None
        elif word in _HUNDRED and run.tokens and not signs and not words:
            run.add(match.start(), match.end(), "00")
        elif word in _TIMES:
            times, prefix = _TIMES[word], match.start()
        elif word == "plus" and not run.tokens:
            prefix = match.start()
        elif run.tokens and signs < MAX_SIGNS_BETWEEN and match["sign"] in _SIGNS:
            signs += 1
        elif run.tokens and words < MAX_WORDS_BETWEEN and word in _BETWEEN:
            words += 1
        else:
            if run.tokens:
                yield run
            run, signs, words, times, prefix = _Run(), 0, 0, 1, None
    if run.tokens:
        yield run


def _spoken(word: str) -> str | None:
    """Return the digits of a number that is spoken as one word."""
    if (pair := _GERMAN_PAIR.fullmatch(word)) is not None:
        return _TENS[pair[2]][0] + ("1" if pair[1] == "ein" else _UNITS[pair[1]])
    return _UNITS.get(word) or _TEENS.get(word) or _TENS.get(word)
