"""Who recovers lost work, and that nobody keeps the others from it."""

import pytest
from sqlalchemy import text

from echoic.db.connect import IDLE_TRANSACTION_SECONDS
from echoic.db.runs import runs
from echoic.errors import DatabaseUnavailable
from tests.pipeline.conftest import Runs
from tests.waiting import until


async def test_a_process_that_is_halted_while_it_recovers_does_not_keep_the_others_from_it(toy_runs: Runs) -> None:
    async def free() -> bool:
        async with toy_runs.database.transaction() as session:
            return await runs.lock_recovery(session, idle_seconds=60)

    async def recover_and_halt() -> None:
        async with toy_runs.database.transaction() as session:
            assert await runs.lock_recovery(session, idle_seconds=1)
            assert not await free()
            # Nothing more comes from here, and the server ends the transaction.
            await until(free, "another may recover")
            await runs.now(session)

    with pytest.raises(DatabaseUnavailable):
        await recover_and_halt()


async def test_the_limit_ends_with_the_transaction(toy_runs: Runs) -> None:
    async with toy_runs.database.transaction() as session:
        assert await runs.lock_recovery(session, idle_seconds=1)
    async with toy_runs.database.transaction() as session:
        assert await session.scalar(text("SHOW idle_in_transaction_session_timeout")) == f"{IDLE_TRANSACTION_SECONDS}s"
