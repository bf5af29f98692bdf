"""The folder of the NeMo model that the settings name."""

from pathlib import Path

from echoic import errors
from echoic.engines.models.find import fetch, nemo_named, own_folder
from echoic.engines.models.nemo import NEMO, is_quantized, nemo_files
from echoic.settings import Settings

REMEDY = (
    ", name a folder with a model in ONNX form, or use 'faster-whisper' with 'base', which is installed with Echoic"
)


def nemo_dir(settings: Settings, name: str) -> Path:
    """The folder of the model of this name; fetched from the hub where it is not on this machine.

    Looks at the name as a folder, then below ``models_dir``, then asks the hub. Raises ``errors.ModelMissing``.
    """
    model = nemo_named(name, settings)
    if (folder := own_folder(model, settings)) is not None:
        return _complete(folder, settings)
    if Path(name).expanduser().is_absolute():
        raise errors.ModelMissing("The folder set as transcriber model holds no NeMo model: it has no vocab.txt.")
    if "/" not in name and name not in NEMO:
        raise errors.ModelMissing(
            f"There is no NeMo model named '{name}'; choose one of: {', '.join(NEMO)}; or name a folder with one."
        )
    return fetch(model, settings, remedy=REMEDY).place


def _complete(folder: Path, settings: Settings) -> Path:
    """Check that a folder of the operator's has the files of one of the kinds, in the number format of the settings."""
    options = [nemo_files(kind, quantized=is_quantized(settings)) for kind in ("decoder_joint", "decoder", "ctc")]
    if not any(all((folder / name).is_file() for name in names) for names in options):
        wanted = " or ".join(", ".join(names) for names in options)
        raise errors.ModelMissing(
            f"The folder of the transcriber model needs {wanted} (ECHOIC_TRANSCRIBER_COMPUTE_TYPE ="
            f" '{settings.transcriber_compute_type}')."
        )
    return folder
