"""Options of a run on one recording: language, tier, transcriber, number of speakers. Pure.

The same names in a form, in JSON and in a dataset's settings; what is asked for a recording counts before what its
dataset says.
"""

from collections.abc import Mapping, Sequence
from typing import Any, get_args

from echoic.engines import choice, protocols
from echoic.engines.languages import NAMES, language_code
from echoic.errors import FieldInvalid, FieldTypeInvalid, SettingInvalid
from echoic.records import Tier
from echoic.settings import Settings

MAX_SPEAKERS = 100
MAX_DIGITS = 9

SPEAKER_NUMBERS = protocols.SPEAKER_NUMBERS
TIERS: tuple[Tier, ...] = get_args(Tier)
TEXTS = ("language", "tier", "engine", "model")
LANGUAGES_FIELD = "languages"
"""Those that are likely to be spoken; in a form its codes stand with commas between them."""
MAX_LANGUAGES = 20
LANGUAGE_PATTERN = "^[a-z]{2,3}$"

TRANSCRIBER = choice.TRANSCRIBER
MAX_NAME_CHARACTERS = 200
NAME_PATTERN = "^[!-~]+$"
LANGUAGES = tuple(sorted(NAMES))
"""All that engines know; a single model may know fewer."""


def options_of_json(fields: Mapping[str, object]) -> dict[str, Any]:
    """Return the options that a JSON object gives. Raises FieldTypeInvalid and FieldInvalid."""
    numbers = {name: number_field(fields, name) for name in SPEAKER_NUMBERS}
    return _checked(numbers, {name: text_field(fields, name) for name in TEXTS}, _texts_field(fields, LANGUAGES_FIELD))


def options_of_form(fields: Mapping[str, str]) -> dict[str, Any]:
    """Return the options that a form gives; blank is not given. Raises FieldInvalid."""
    numbers = {name: _written_number(fields, name) for name in SPEAKER_NUMBERS}
    languages = fields.get(LANGUAGES_FIELD, "").replace(",", " ").split()
    return _checked(numbers, {name: fields.get(name, "").strip() or None for name in TEXTS}, languages)


def check_speaker_numbers(given: Mapping[str, int | None]) -> dict[str, int]:
    """Return those of the numbers that were given. Raises FieldInvalid where they cannot be met."""
    numbers = {name: number for name, number in given.items() if number is not None}
    for name, number in numbers.items():
        if not 1 <= number <= MAX_SPEAKERS:
            raise FieldInvalid(f"'{name}' must be a whole number from 1 to {MAX_SPEAKERS}.")
    if "num_speakers" in numbers and len(numbers) > 1:
        raise FieldInvalid("Give either 'num_speakers' or 'min_speakers' and 'max_speakers'.")
    if numbers.get("min_speakers", 1) > numbers.get("max_speakers", MAX_SPEAKERS):
        raise FieldInvalid("'min_speakers' must not be greater than 'max_speakers'.")
    return numbers


def check_language(settings: Settings) -> None:
    """Raise SettingInvalid where the language spoken is one that no engine knows: every item would fail."""
    if settings.language is not None and (fault := fault_of_language(settings.language)) is not None:
        raise SettingInvalid(f"ECHOIC_LANGUAGE {fault}.")


def fault_of_language(code: str) -> str | None:
    """Why a language is not taken, as the end of a sentence that begins with the field; None for a known one."""
    if code in LANGUAGES:
        return None
    meant = language_code(code)
    hint = "" if meant is None else f" ('{meant}' may be meant)"
    return f"must be the ISO 639 code of a language that some engine knows: {', '.join(LANGUAGES)}{hint}"


def meant_language(told: str) -> str | None:
    """Return the code of a language told by code, by a tag such as ``en-US`` or by its English name; None for others."""
    return language_code(told)


def language_name(code: str) -> str:
    """Return the English name of a language in small letters, or the code where it has none."""
    return NAMES.get(code, code)


def offered_transcribers(settings: Settings) -> list[tuple[str, str]]:
    """Return engine and model of each transcriber that may be asked for, the settings' own first."""
    return [(each.engine, each.model) for each in choice.offered(settings)]


def check_transcriber(settings: Settings, given: Mapping[str, Any]) -> None:
    """Raise TranscriberNotOffered, which names those on offer, where the transcriber asked for is none of them."""
    engine, model = (given.get(name) for name in TRANSCRIBER)
    if engine is not None or model is not None:
        choice.choose(settings, engine=engine, model=model)


def _checked(
    numbers: Mapping[str, int | None], texts: Mapping[str, str | None], languages: Sequence[str]
) -> dict[str, Any]:
    given: dict[str, Any] = {name: text for name, text in texts.items() if text is not None}
    if languages:
        given[LANGUAGES_FIELD] = _known_languages(languages)
    if "language" in given and (fault := fault_of_language(given["language"])) is not None:
        raise FieldInvalid(f"'language' {fault}.")
    if given.get("tier") not in (None, *TIERS):
        raise FieldInvalid(f"'tier' must be one of: {', '.join(TIERS)}.")
    return check_speaker_numbers(numbers) | given


def _known_languages(codes: Sequence[str]) -> list[str]:
    if len(codes) > MAX_LANGUAGES:
        raise FieldInvalid(f"'{LANGUAGES_FIELD}' names {len(codes)} languages; at most {MAX_LANGUAGES} are allowed.")
    for code in codes:
        if (fault := fault_of_language(code)) is not None:
            raise FieldInvalid(f"Each of '{LANGUAGES_FIELD}' {fault}.")
    return list(dict.fromkeys(codes))


def _texts_field(fields: Mapping[str, object], name: str) -> list[str]:
    value = fields.get(name)
    if value is None:
        return []
    if isinstance(value, list) and all(isinstance(each, str) for each in value):
        return value
    raise FieldTypeInvalid(f"'{name}' must be a list of strings.")


def _written_number(fields: Mapping[str, str], name: str) -> int | None:
    digits = fields.get(name, "").strip()
    if not digits:
        return None
    if not (digits.isascii() and digits.isdigit() and len(digits) <= MAX_DIGITS):
        raise FieldInvalid(f"'{name}' must be a whole number from 1 to {MAX_SPEAKERS}.")
    return int(digits)


def text_field(fields: Mapping[str, object], name: str) -> str | None:
    """Return a text; None where it is missing or null. Raises FieldTypeInvalid."""
    value = fields.get(name)
    if value is None or isinstance(value, str):
        return value
    raise FieldTypeInvalid(f"'{name}' must be a string.")


def number_field(fields: Mapping[str, object], name: str) -> int | None:
    """Return a whole number; None where it is missing or null. Raises FieldTypeInvalid.

    2.0 is one, as JSON Schema has it (https://json-schema.org/draft/2020-12/json-schema-core, 4.2.3).
    """
    value = fields.get(name)
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if value is None or (isinstance(value, int) and not isinstance(value, bool)):
        return value
    raise FieldTypeInvalid(f"'{name}' must be a whole number.")
