"""What a stage is handed when a test calls it directly."""

import uuid
from typing import Any

from echoic.compose import Components
from echoic.pipeline.stage import StageContext
from echoic.stages.tools import Tools


async def ignore(_: object) -> None:
    """Takes progress or a checkpoint and keeps nothing."""


def stage_context(components: Components, *, run_id: int, item_id: int, **changes: Any) -> StageContext[Tools]:
    """The context of a stage of this run: no options and no checkpoints, unless ``changes`` says otherwise."""
    given: dict[str, Any] = {"options": {}, "progress": ignore, "checkpoints": [], "save_checkpoint": ignore} | changes
    return StageContext(
        run_id=run_id,
        item_id=item_id,
        claim=uuid.uuid4(),
        tools=Tools(
            settings=components.settings,
            database=components.database,
            blobs=components.blobs,
            engines=components.engines,
            spare_decoder=components.spare_decoder,
        ),
        **given,
    )
