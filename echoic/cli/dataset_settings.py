"""The options of a dataset's settings, which ``echoic datasets create`` and ``change`` have in common."""

import inspect
from collections.abc import Callable, Iterable
from functools import wraps
from typing import Annotated, Any, TypeAlias

import typer

from echoic.records import Tier
from echoic.redaction.policy import DETECTED

Settings: TypeAlias = dict[str, Any]
"""The settings that were given, as the API has them."""
PARAMETER = "settings"
"""The parameter of a verb that the options replace."""
REDACT = (
    f"What is hidden from those who do not read the original: {', '.join(DETECTED)}; may be repeated. It replaces all that "
    "was hidden before; empty: nothing is hidden."
)
LIKELY = "Likely to be spoken, as de,en; may be repeated. A language that is doubtful is one of these."
IDENTIFY_SPEAKERS = "Keep voices and know them again; not to forgets at once those that were kept."
CHAPTERS_BY_MODEL = "Let the server's language model, which is sent what is said, write titles of chapters."
ORIGINAL_ROLE = "A role that reads the original, as editor; may be repeated. Owners always do."
DeleteAfterOption = Annotated[
    int | None, typer.Option(min=0, help="Days from its publishing after which an item is deleted; 0: never.")
]
DeleteAudioOption = Annotated[int | None, typer.Option(min=0, help="The same for its audio alone; 0: never.")]
DeleteTranscriptOption = Annotated[int | None, typer.Option(min=0, help="The same for its transcript alone; 0: never.")]
LegalHoldOption = Annotated[
    bool | None, typer.Option(help="Keep everybody, and every deadline, from deleting anything in it.")
]
MAY_BE_NONE = (
    *("description", "language", "engine", "model", "initial_prompt"),
    *("num_speakers", "min_speakers", "max_speakers"),
    *("delete_after_days", "delete_audio_after_days", "delete_transcript_after_days"),
)
"""An empty text and 0 stand for null."""


def settings_of(
    *,
    description: Annotated[str | None, typer.Option(help="What is in it; empty: none.")] = None,
    allowed_formats: Annotated[
        list[str] | None,
        typer.Option(help="File extensions that are taken, as mp3,wav,opus; may be repeated.", metavar="EXTENSIONS"),
    ] = None,
    max_file_size_mb: Annotated[
        int | None, typer.Option(min=1, help="Largest file, in units of 1,048,576 bytes.")
    ] = None,
    auto_transcribe: Annotated[bool | None, typer.Option(help="Transcribe what comes in.")] = None,
    require_metadata: Annotated[bool | None, typer.Option(help="Refuse uploads without title and description.")] = None,
    identify_speakers: Annotated[bool | None, typer.Option(help=IDENTIFY_SPEAKERS)] = None,
    chapters_by_model: Annotated[bool | None, typer.Option(help=CHAPTERS_BY_MODEL)] = None,
    language: Annotated[
        str | None, typer.Option(help="Spoken, as its ISO 639 code; empty: found out for each item.")
    ] = None,
    languages: Annotated[list[str] | None, typer.Option(help=LIKELY)] = None,
    tier: Annotated[
        Tier | None, typer.Option(help="careful: everything is read twice, in three times the time.")
    ] = None,
    engine: Annotated[
        str | None, typer.Option(help="The engine that transcribes, of those offered; empty: any.")
    ] = None,
    model: Annotated[str | None, typer.Option(help="The model that transcribes, of those offered; empty: any.")] = None,
    initial_prompt: Annotated[str | None, typer.Option(help="Text that sets spelling and style; empty: none.")] = None,
    vocabulary: Annotated[
        list[str] | None, typer.Option(help="A name or term likely to be said; may be repeated.")
    ] = None,
    replacements: Annotated[
        list[str] | None,
        typer.Option("--replacement", help="Made in every new transcript; may be repeated.", metavar="FIND=REPLACE"),
    ] = None,
    redact: Annotated[list[str] | None, typer.Option(help=REDACT, metavar="KINDS")] = None,
    redact_word: Annotated[
        list[str] | None, typer.Option(help="A word or phrase hidden as well; may be repeated.")
    ] = None,
    original_role: Annotated[list[str] | None, typer.Option(help=ORIGINAL_ROLE)] = None,
    num_speakers: Annotated[int | None, typer.Option(min=0, help="How many people speak; 0: found out.")] = None,
    min_speakers: Annotated[int | None, typer.Option(min=0, help="At least so many speak; 0: not said.")] = None,
    max_speakers: Annotated[int | None, typer.Option(min=0, help="At most so many speak; 0: not said.")] = None,
    delete_after_days: DeleteAfterOption = None,
    delete_audio_after_days: DeleteAudioOption = None,
    delete_transcript_after_days: DeleteTranscriptOption = None,
    legal_hold: LegalHoldOption = None,
) -> Settings:
    """Return the given settings as the API has them. Raises typer.BadParameter for a replacement in another form."""
    given = {name: value for name, value in locals().items() if value is not None and value != []}
    for name in MAY_BE_NONE:
        if name in given:
            given[name] = given[name] or None
    for name in ("allowed_formats", "languages"):
        if name in given:
            given[name] = listed(given[name])
    given |= _redaction(given.pop("redact", None), given.pop("redact_word", []), given.pop("original_role", []))
    if "vocabulary" in given:
        given["vocabulary"] = [term for term in given["vocabulary"] if term]
    if "replacements" in given:
        given["replacements"] = [_replacement(text) for text in given["replacements"] if text]
    return given


def listed(given: Iterable[str]) -> list[str]:
    """Return the values of an option that may be repeated, and have several with commas between them."""
    return " ".join(given).replace(",", " ").split()


def takes_settings(verb: Callable[..., None]) -> Callable[..., None]:
    """Give a verb the options of ``settings_of`` in place of its parameter ``settings``, which gets their result."""
    options = inspect.signature(settings_of).parameters
    own = inspect.signature(verb)

    @wraps(verb)
    def with_options(**given: Any) -> None:
        settings = settings_of(**{name: given.pop(name) for name in options})
        verb(**given, settings=settings)

    parameters = [
        parameter
        for name, each in own.parameters.items()
        for parameter in (options.values() if name == PARAMETER else [each])
    ]
    # Typer reads both: the order from the signature, the types from the annotations.
    vars(with_options)["__signature__"] = own.replace(parameters=parameters)
    with_options.__annotations__ = {each.name: each.annotation for each in parameters}
    return with_options


def _redaction(kinds: list[str] | None, words: list[str], roles: list[str]) -> Settings:
    if kinds is None and not words:
        if roles:
            raise typer.BadParameter("say what is hidden, with --redact or --redact-word", param_hint="--original-role")
        return {}
    named = listed(kinds or ())
    if not named and not words:
        return {"redaction": None}
    return {"redaction": {"kinds": named, "words": words, **({"original_roles": roles} if roles else {})}}


def _replacement(text: str) -> dict[str, str]:
    find, sign, replace = text.partition("=")
    if not find or not sign:
        raise typer.BadParameter(f"'{text}' is no FIND=REPLACE", param_hint="--replacement")
    return {"find": find, "replace": replace}
