"""The folder of the Whisper model that the settings name."""

from pathlib import Path

from echoic import errors
from echoic.engines.choice import MODEL_SETTINGS, offered
from echoic.engines.models.catalog import WHISPER, WHISPER_ENGINES, WHISPER_FILES
from echoic.engines.models.find import fetch, join_packaged, own_folder, whisper_named
from echoic.engines.models.model import Model
from echoic.settings import Settings

REMEDY = ", name a folder with a converted model, or use 'base', which is installed with Echoic"


def whisper_dir(settings: Settings, name: str | None = None) -> Path:
    """The folder of the converted model of this name, else of the setting's; fetched or joined where it is not there.

    Looks at the name as a folder, then below ``models_dir``, then into the packages, then asks the hub where that is
    allowed. Raises ``errors.ModelMissing``.
    """
    model = whisper_named(name or settings.transcriber_model)
    if (folder := own_folder(model, settings)) is not None:
        return _complete(folder)
    if (reason := _unknown(model)) is not None:
        raise errors.ModelMissing(reason)
    return join_packaged(model, settings) or fetch(model, settings, remedy=REMEDY).place


def require_known(settings: Settings) -> None:
    """Raise ``errors.SettingInvalid`` for a Whisper model that nobody has: a misspelt name, or a folder without one.

    Nothing is fetched, so that one of the hub may still turn out to be missing.
    """
    for choice in offered(settings):
        if choice.engine not in WHISPER_ENGINES:
            continue
        model = whisper_named(choice.model)
        if own_folder(model, settings) is None and (reason := _unknown(model)) is not None:
            own = choice.model == getattr(settings, MODEL_SETTINGS[choice.engine])
            setting = MODEL_SETTINGS[choice.engine] if own else "transcribers_offered"
            raise errors.SettingInvalid(f"ECHOIC_{setting.upper()}: {reason}")


def _unknown(model: Model) -> str | None:
    """Return why a model that is in no folder can come from nowhere; None where packages or the hub may have it."""
    if Path(model.name).expanduser().is_absolute():
        return "The folder set as transcriber model holds no converted Whisper model."
    if "/" not in model.name and model.name not in WHISPER:
        return (
            f"There is no transcriber model named '{model.name}'; choose one of: {', '.join(WHISPER)}; or name a"
            " folder with a converted model."
        )
    return None


def _complete(folder: Path) -> Path:
    missing = [name for name in WHISPER_FILES if not (folder / name).is_file()]
    if missing:
        raise errors.ModelMissing(f"The folder of the transcriber model lacks {', '.join(missing)}.")
    return folder
