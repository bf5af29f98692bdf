"""The folder of the Whisper model that the settings name."""

from pathlib import Path

from echoic import errors
from echoic.engines.models.catalog import WHISPER, WHISPER_FILES
from echoic.engines.models.find import fetch, join_packaged, own_folder, whisper_named
from echoic.engines.models.model import Model
from echoic.settings import Settings

REMEDY = ", name a folder with a converted model, or use 'base', which is installed with Echoic"


def whisper_dir(settings: Settings, name: str | None = None) -> Path:
    """The folder of the converted model of this name, else of the setting's; fetched or joined where it is not there.

    Looks at the name as a folder, then below ``models_dir``, then into the packages, then asks the hub where that is
    allowed. Raises ``errors.ModelMissing``.
    """
    name = name or settings.transcriber_model
    model = whisper_named(name)
    if (folder := own_folder(model, settings)) is not None:
        return _complete(folder)
    if Path(name).expanduser().is_absolute():
        raise errors.ModelMissing("The folder set as transcriber model holds no converted Whisper model.")
    return join_packaged(model, settings) or _from_hub(model, settings)


def _from_hub(model: Model, settings: Settings) -> Path:
    if "/" not in model.name and model.name not in WHISPER:
        raise errors.ModelMissing(
            f"There is no transcriber model named '{model.name}'; choose one of: {', '.join(WHISPER)}; or name a"
            " folder with a converted model."
        )
    return fetch(model, settings, remedy=REMEDY).place


def _complete(folder: Path) -> Path:
    missing = [name for name in WHISPER_FILES if not (folder / name).is_file()]
    if missing:
        raise errors.ModelMissing(f"The folder of the transcriber model lacks {', '.join(missing)}.")
    return folder
