"""Items in which voices speak, and the names that people give them."""

from sqlalchemy import text

from echoic.compose import Components
from echoic.db.speakers import appearances, speakers
from echoic.db.transcripts.transcripts import transcript_of_run
from echoic.pipeline.stage import StageContext
from echoic.stages import attribute, diarize, identify
from echoic.stages.tools import Tools
from tests.factories import Tenant, segment
from tests.stages.conftest import MakeContext, completed
from tests.stages.tones import tones

SAID = [segment("a b c d e f g h i j k l m n o p", start=0.0)]


async def heard(make_context: MakeContext, tenant: Tenant, *hertz: float) -> StageContext[Tools]:
    """An item in which these voices speak for four seconds each, up to its voices."""
    context = await make_context(tones(*hertz, seconds=4.0), SAID, dataset_id=tenant.dataset_id)
    for stage in (diarize, attribute, identify):
        await completed(context, stage.run)
    return context


async def labels(components: Components, context: StageContext[Tools]) -> dict[str, tuple[str | None, str | None]]:
    async with components.database.transaction() as session:
        transcript = await transcript_of_run(session, context.run_id)
        assert transcript is not None
        return {each.label: (each.name, each.how) for each in await appearances.list_labels(session, transcript.id)}


async def enrol(components: Components, context: StageContext[Tools], label: str, name: str, tenant: Tenant) -> int:
    async with components.database.transaction() as session:
        transcript = await transcript_of_run(session, context.run_id)
        assert transcript is not None
        known = await speakers.speaker_named(session, library_id=tenant.library_id, name=name)
        known = known or await speakers.create_speaker(session, library_id=tenant.library_id, name=name)
        await appearances.name_label(
            session,
            item_id=context.item_id,
            transcript_id=transcript.id,
            label=label,
            speaker_id=known.id,
            learn=True,
        )
        return known.id


async def count(components: Components) -> int:
    async with components.database.transaction() as session:
        return int(await session.scalar(text("SELECT count(*) FROM voiceprints")) or 0)
