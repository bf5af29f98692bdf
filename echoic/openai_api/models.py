"""Names of models: OpenAI's, which all mean the transcriber of the dataset, and this server's own."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from pydantic import BaseModel, Field

from echoic.errors import NotFound
from echoic.intake.run_options import offered_transcribers
from echoic.settings import Settings

OPENAI_NAMES = (
    "gpt-transcribe",
    "gpt-4o-transcribe",
    "gpt-4o-mini-transcribe",
    "gpt-4o-mini-transcribe-2025-12-15",
    "gpt-4o-transcribe-diarize",
    "whisper-1",
)
"""Those that OpenAI's documentation names for its audio routes."""
OWNER = "echoic"


class ModelBody(BaseModel):
    """A model."""

    id: str = Field(examples=["faster-whisper/base"])
    object: Literal["model"] = Field(default="model", description="Always `model`.")
    created: int = Field(default=0, description="Always 0: when it was made is not known.")
    owned_by: str = Field(default=OWNER, description="Always this server.", examples=[OWNER])


class ModelList(BaseModel):
    """The models."""

    object: Literal["list"] = Field(default="list", description="Always `list`.")
    data: list[ModelBody] = Field(description="The server's own first.")


class ModelNotFound(NotFound):
    """There is no such model; GET /v1/models lists those there are."""

    details: Mapping[str, object] = {"param": "model"}


@dataclass(frozen=True, kw_only=True, slots=True)
class ChosenModel:
    """The transcriber that a name means."""

    options: Mapping[str, Any] = field(default_factory=dict)
    """Options of the run; empty for the transcriber of the dataset."""
    is_known: bool = True


def names(settings: Settings) -> tuple[str, ...]:
    """Return all names: this server's own first."""
    own = (f"{engine}/{model}" for engine, model in offered_transcribers(settings))
    return (*own, *OPENAI_NAMES)


def choose_model(settings: Settings, name: str) -> ChosenModel:
    """Return what a name means: an engine and model of this server, or else the dataset's own."""
    for engine, model in offered_transcribers(settings):
        if name in (f"{engine}/{model}", model):
            return ChosenModel(options={"engine": engine, "model": model})
    return ChosenModel(is_known=name in OPENAI_NAMES or not name)


def list_models(settings: Settings) -> ModelList:
    """Return the answer with all models."""
    return ModelList(data=[ModelBody(id=name) for name in names(settings)])


def find_model(settings: Settings, name: str) -> ModelBody:
    """Return one model. Raises ModelNotFound."""
    if name not in names(settings):
        raise ModelNotFound(f"The model '{name[:100]}' does not exist; GET /v1/models lists those there are.")
    return ModelBody(id=name)
