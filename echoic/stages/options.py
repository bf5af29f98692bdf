"""The options of a run: what its request says counts before what the dataset says, and that before this machine's settings.

They are resolved when the run starts and stored with it, so that all stages of a run work by the same ones. What decides
whether something may be kept at all, such as voiceprints, is no option: its stage asks the dataset when it writes.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, cast

from sqlalchemy.ext.asyncio import AsyncSession

from echoic.db.items import items
from echoic.db.sources import feeds
from echoic.engines.choice import TRANSCRIBER
from echoic.engines.languages import language_code
from echoic.engines.protocols import SPEAKER_NUMBERS, DiarizeOptions, TranscribeOptions
from echoic.errors import StageInternalError
from echoic.pipeline.stage import WITHOUT_STAGES
from echoic.records import KnownVoice, Task, Tier
from echoic.stages.tools import Tools
from echoic.text.replacements import Replacement

KNOWN_VOICES = "known_voices"
LANGUAGE = ("language", "languages")


@dataclass(frozen=True, kw_only=True, slots=True)
class RunOptions:
    """The options of a run's stages."""

    language: str | None = None
    """ISO 639 code of the language spoken; None detects it."""
    languages: tuple[str, ...] = ()
    """The languages that are likely to be spoken, where none is asked for."""
    tier: Tier = "fast"
    engine: str | None = None
    """Of the transcriber; None for the one of the machine that transcribes. The same with ``model``."""
    model: str | None = None
    task: Task = "transcribe"
    initial_prompt: str | None = None
    vocabulary: tuple[str, ...] = ()
    replacements: tuple[Replacement, ...] = ()
    num_speakers: int | None = None
    min_speakers: int | None = None
    max_speakers: int | None = None
    known_voices: tuple[KnownVoice, ...] = ()
    """People who are said to speak, with their voices."""
    without_stages: tuple[str, ...] = ()
    """The stages that the run goes without."""

    @property
    def to_transcribe(self) -> TranscribeOptions:
        """Return the options that a transcriber is given."""
        return TranscribeOptions(
            language=self.language,
            languages=self.languages,
            task=self.task,
            tier=self.tier,
            initial_prompt=self.initial_prompt,
            hotwords=self.vocabulary,
        )

    @property
    def to_diarize(self) -> DiarizeOptions:
        """Return the options that a diarizer is given."""
        return DiarizeOptions(
            num_speakers=self.num_speakers, min_speakers=self.min_speakers, max_speakers=self.max_speakers
        )

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "RunOptions":
        """Read the options that ``resolve_options`` made; options that this release does not know are ignored."""
        known = {field.name: stored[field.name] for field in fields(cls) if field.name in stored}
        return cls(
            **{
                **known,
                **{name: tuple(known.get(name, ())) for name in ("vocabulary", "languages", "without_stages")},
                "known_voices": tuple(KnownVoice(**each) for each in known.get("known_voices", ())),
                "replacements": tuple(Replacement(**each) for each in known.get("replacements", ())),
            }
        )


async def resolve_options(
    session: AsyncSession, item_id: int, asked: Mapping[str, Any], tools: Tools
) -> dict[str, Any]:
    """Resolve what was asked of a run; returns an object for ``RunOptions.from_json``.

    The numbers of speakers are taken all from one place, and so are the transcriber's engine and model, and what is said of
    the language: a number that the request says and one that the dataset says need not go together.
    """
    dataset = await items.dataset_of_item(session, item_id)
    if dataset is None:
        raise StageInternalError("The item or its dataset is gone.")
    spoken = _from_one_place(LANGUAGE, asked, dataset)
    languages = tuple(spoken["languages"] or ())
    if not languages and not spoken["language"] and tools.settings.language is None:
        # What a feed says is a hint: programs for publishing write one in, whatever is spoken.
        told = language_code(await feeds.language_of_item(session, item_id))
        languages = () if told is None else (told,)
    resolved = RunOptions(
        # One language that is sure counts before those that are likely, of the same place.
        language=spoken["language"] or (None if languages else tools.settings.language),
        languages=languages,
        task=cast("Task", asked.get("task") or "transcribe"),
        tier=cast("Tier", asked.get("tier") or dataset.tier),
        initial_prompt=asked.get("initial_prompt") or dataset.initial_prompt,
        vocabulary=tuple(dict.fromkeys((*dataset.vocabulary, *asked.get("vocabulary", ())))),
        known_voices=tuple(KnownVoice(**each) for each in asked.get("known_voices", ())),
        without_stages=tuple(asked.get(WITHOUT_STAGES, ())),
        replacements=tuple(Replacement(find=each["find"], replace=each["replace"]) for each in dataset.replacements),
        **_from_one_place(TRANSCRIBER, asked, dataset),
        **_from_one_place(SPEAKER_NUMBERS, asked, dataset),
    )
    return asdict(resolved)


def _from_one_place(names: tuple[str, ...], asked: Mapping[str, Any], dataset: object) -> dict[str, Any]:
    if any(asked.get(name) for name in names):
        return {name: asked.get(name) for name in names}
    return {name: getattr(dataset, name) for name in names}
