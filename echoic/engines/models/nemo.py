"""NeMo's models in ONNX form: by name, and how their files are named."""

from typing import Literal

from echoic.engines.models.model import HubModel, Model
from echoic.errors import SettingInvalid
from echoic.settings import Settings

EUROPEAN = frozenset(
    [
        "bg",
        "cs",
        "da",
        "de",
        "el",
        "en",
        "es",
        "et",
        "fi",
        "fr",
        "hr",
        "hu",
        "it",
        "lt",
        "lv",
        "mt",
        "nl",
        "pl",
        "pt",
        "ro",
        "ru",
        "sk",
        "sl",
        "sv",
        "uk",
    ]
)
"""The 25 languages that the cards of Parakeet TDT 0.6b v3 and Canary 1b v2 name."""
LANGUAGE_GUESSER = "base"
"""The Whisper model that guesses the language for NeMo's, which tell none."""
NemoKind = Literal["decoder_joint", "decoder", "ctc"]
"""The second network of a model of NeMo's: of a transducer, of Canary, or none."""
_NEMO_SIGN = "vocab.txt"


def is_quantized(settings: Settings) -> bool:
    """Say whether NeMo's models are used in their int8 form. Raises ``errors.SettingInvalid``."""
    if settings.transcriber_compute_type not in ("int8", "float32"):
        raise SettingInvalid(
            "The engine 'onnx-asr' computes in 'int8' or 'float32'; ECHOIC_TRANSCRIBER_COMPUTE_TYPE is"
            f" '{settings.transcriber_compute_type}'."
        )
    return settings.transcriber_compute_type == "int8"


def nemo_files(kind: NemoKind, *, quantized: bool) -> tuple[str, ...]:
    """Return the names of the files without which a NeMo model in ONNX form is of no use."""
    form = ".int8.onnx" if quantized else ".onnx"
    networks = (f"model{form}",) if kind == "ctc" else (f"encoder-model{form}", f"{kind}-model{form}")
    return ("config.json", _NEMO_SIGN, *networks)


def nemo_model(
    name: str,
    *,
    repo: str,
    kind: NemoKind | None = None,
    license_name: str = "not known",
    languages: frozenset[str] | None = None,
    quantized: bool = True,
) -> Model:
    """Return a NeMo model in ONNX form, by its name or by a repository that the operator names."""
    required = nemo_files(kind, quantized=quantized) if kind else ("config.json", _NEMO_SIGN)
    # Weights of more than 2 GB lie in files of their own, beside the network. Those of int8 are left out for float32.
    networks = ("*.int8.onnx", "*.int8.onnx.data") if quantized else ("*model.onnx", "*model.onnx.data")
    return Model(
        name=name,
        task="transcription",
        license=license_name,
        engines=("onnx-asr",),
        folder=name,
        sign=_NEMO_SIGN,
        languages=languages,
        hub=HubModel(repo=repo, files=("config.json", _NEMO_SIGN, *networks), required=required),
    )


_NEMO: tuple[tuple[str, NemoKind, frozenset[str]], ...] = (
    ("parakeet-tdt-0.6b-v3", "decoder_joint", EUROPEAN),
    ("parakeet-tdt-0.6b-v2", "decoder_joint", frozenset({"en"})),
    ("canary-1b-v2", "decoder", EUROPEAN),
)


def _known_nemo(*, quantized: bool) -> dict[str, Model]:
    # NVIDIA's models as the author of onnx-asr converted them.
    return {
        name: nemo_model(
            name,
            repo=f"istupakov/{name}-onnx",
            kind=kind,
            license_name="CC-BY-4.0",
            languages=languages,
            quantized=quantized,
        )
        for name, kind, languages in _NEMO
    }


NEMO = _known_nemo(quantized=True)
NEMO_FLOAT = _known_nemo(quantized=False)
