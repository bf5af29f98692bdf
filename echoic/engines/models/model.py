"""A model: its task, license, files and sources. Nothing is imported, opened or fetched here."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from echoic.engines.models.packaged import PackagedModel

Task = Literal["transcription", "speech detection", "diarization", "voices", "entities", "embeddings"]


Told = Callable[[int, int], None]
"""Is told, while a model is fetched, of the bytes that came, and of how many there are as far as is known."""


@dataclass(frozen=True, kw_only=True, slots=True)
class HubModel:
    """A repository on the public hub. Its digests are the hub's own, known once it is fetched."""

    repo: str
    cache: str = "hub"
    """Folder below the models folder that the hub's library keeps it in."""
    files: tuple[str, ...] | None = None
    """Patterns of what is fetched; None for everything."""
    required: tuple[str, ...] = ()
    """Files without which it is of no use: what was fetched by half lacks them."""
    gated: bool = False
    """Whether the hub gives it only to accounts that have accepted its terms, by a token."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Model:
    """One model of the catalog."""

    name: str
    task: Task
    license: str
    engines: tuple[str, ...]
    """The engines that use it, by their names in the settings."""
    folder: str | None = None
    """Its name below the operator's models folder; None where its content is part of Echoic's version."""
    sign: str = "model.bin"
    """A folder with this file holds such a model."""
    languages: frozenset[str] | None = None
    """ISO 639-1 codes of the languages that it knows; None where that is known once it is loaded."""
    packaged: tuple[PackagedModel, ...] = ()
    """As packages carry it, the pinned default first."""
    hub: HubModel | None = None

    @property
    def size_bytes(self) -> int | None:
        """The size of the needed files; None if only the hub knows."""
        return self.packaged[0].size_bytes if self.packaged else None

    @property
    def version(self) -> str:
        """Changes whenever the content of a packaged model does."""
        return self.packaged[0].files[0].sha256[:8]
