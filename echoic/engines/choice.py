"""The transcribers that may be asked for: the one in the settings, and others that the operator offers. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from echoic import errors
from echoic.settings import Settings

MODEL_SETTINGS = {
    "faster-whisper": "transcriber_model",
    "whisperx": "whisperx_model",
    "onnx-asr": "onnx_asr_model",
    "openai": "openai_model",
}
"""The setting that names an engine's model; an engine without one has but one model."""
ONLY_MODEL = "only"

NO_TRANSLATORS = ("turbo", "distil")
"""Parts of the names of Whisper models that were never taught to translate (large-v3-turbo, distil-whisper)."""

TRANSCRIBER = ("engine", "model")
"""The fields by which requests and datasets choose a transcriber: its engine, its model, or both."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Chosen:
    """A transcriber by name."""

    engine: str
    model: str

    def __str__(self) -> str:
        return f"'{self.engine}' with the model '{self.model}'"


def default_choice(settings: Settings, engine: str | None = None) -> Chosen:
    """Return the default transcriber of an engine, or that of the settings."""
    engine = engine or settings.transcriber
    name = MODEL_SETTINGS.get(engine)
    return Chosen(engine=engine, model=str(getattr(settings, name)) if name else ONLY_MODEL)


def offered(settings: Settings) -> tuple[Chosen, ...]:
    """Return all that may be asked for, the settings' own first. Raises ``errors.SettingInvalid``."""
    own = default_choice(settings)
    return tuple(dict.fromkeys((own, *(_parsed(settings, entry) for entry in settings.transcribers_offered))))


def choose(settings: Settings, *, engine: str | None, model: str | None) -> Chosen:
    """Return the first on offer that fits what is said; nothing said is the settings' own.

    Raises ``errors.TranscriberNotOffered``, which names what is on offer.
    """
    choices = offered(settings)
    for choice in choices:
        if engine in (None, choice.engine) and model in (None, choice.model):
            return choice
    raise errors.TranscriberNotOffered(_refusal(choices))


def translates(choice: Chosen) -> bool:
    """Return whether a transcriber can write English whatever is spoken.

    Whisper's models for English alone, and those made smaller after it had learned to translate, cannot.
    """
    if choice.engine == "fake":
        return True
    name = choice.model.rsplit("/", maxsplit=1)[-1].lower()
    return (
        choice.engine == "faster-whisper"
        and not name.endswith(".en")
        and not any(one in name for one in NO_TRANSLATORS)
    )


def require_translation(choice: Chosen) -> None:
    """Raise ``errors.TranslationNotOffered`` for a transcriber that cannot translate."""
    if not translates(choice):
        raise errors.TranslationNotOffered(
            f"The transcriber {choice} cannot translate into English; a multilingual Whisper model of faster-whisper can."
        )


def settings_for(settings: Settings, choice: Chosen) -> Settings:
    """Return the settings under which this transcriber is the one that is named."""
    name = MODEL_SETTINGS.get(choice.engine)
    return settings.model_copy(update={"transcriber": choice.engine} | ({name: choice.model} if name else {}))


def _parsed(settings: Settings, entry: str) -> Chosen:
    engine, _, model = entry.partition("/")
    if not engine or (model and engine not in MODEL_SETTINGS):
        raise errors.SettingInvalid(
            f"'{entry}' in ECHOIC_TRANSCRIBERS_OFFERED is not of the form engine/model, as faster-whisper/small."
        )
    return Chosen(engine=engine, model=model) if model else default_choice(settings, engine)


def _refusal(choices: Sequence[Chosen]) -> str:
    pairs = "; ".join(str(choice) for choice in choices)
    return f"This server does not offer that transcriber; 'engine' and 'model' may be: {pairs}."
