"""Regular expressions for texts in requests, and the rules that they stand for in words for people."""

from collections.abc import Mapping

from echoic.intake.run_options import LANGUAGE_PATTERN, NAME_PATTERN
from echoic.text.visible import UNSEEN

NO_NUL = r"^[^\u0000]*$"
"""PostgreSQL's texts cannot hold this character, not even to look for it."""
NOT_BLANK = rf"^[^\u0000]*[^{UNSEEN}][^\u0000]*$"
"""The pattern in the document: blanks at the ends are removed before the check."""
SLUG = r"^[a-z0-9]+(-[a-z0-9]+)*$"
SLUG_CHARACTERS = r"^[a-z0-9-]+$"
EXTENSION = r"^\.?[A-Za-z0-9]{1,10}$"
TUS_NUMBER = r"^[0-9]{1,18}$"
ONE = "^1$"
URL_SAFE = r"^[A-Za-z0-9_-]+$"
CODE = r"^[a-z][a-z0-9_]*$"
HTTPS_URL = r"^[Hh][Tt][Tt][Pp][Ss]://[^\s\\@\x00-\x1f\x7f-\x9f]+$"
ORIGIN = r"^https?://[A-Za-z0-9.\[\]:-]+/?$"
DELIVERY_ID = "^msg_[0-9a-f]{32}$"
RECEIPT_ID = "^del_[0-9a-f]{32}$"

WORDS: Mapping[str, str] = {
    NO_NUL: "must not hold a NUL character",
    SLUG: "must be small letters and digits, with single hyphens between them, as 'team-calls'",
    SLUG_CHARACTERS: "must be small letters, digits and hyphens, as 'team-calls'",
    EXTENSION: "must be a file extension of 1 to 10 letters and digits, as 'mp3'",
    TUS_NUMBER: "must be a whole number of at most 18 digits",
    ONE: "must be 1",
    URL_SAFE: "must be letters, digits, hyphens and underscores",
    CODE: "must be small letters, digits and underscores, as 'stage_crashed'",
    HTTPS_URL: "must be an https:// address without user name, password and blanks",
    ORIGIN: "must be an origin, as 'https://blog.example.org'",
    RECEIPT_ID: "must be 'del_' and 32 hexadecimal digits",
    DELIVERY_ID: "must be 'msg_' and 32 hexadecimal digits",
    LANGUAGE_PATTERN: "must be an ISO 639 code of two or three small letters, as 'en'",
    NAME_PATTERN: "must be printable ASCII characters without blanks",
}
