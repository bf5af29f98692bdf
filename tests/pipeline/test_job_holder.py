"""How a worker's jobs are taken, on the real queue without a worker."""

import asyncio
from typing import Any

import pytest
from procrastinate.jobs import Notification
from sqlalchemy import text

from echoic.db.runs.workers import WorkerCard
from echoic.pipeline.job_holder import JobHolder
from echoic.pipeline.queue import make_app
from tests.pipeline.conftest import Runs
from tests.pipeline.toy import TABLE
from tests.waiting import until

QUEUES = ("cpu", "gpu")
PATIENCE_SECONDS = 10.0
CARD = WorkerCard(name="here:1", version="1", queues=QUEUES, stages_at_once=1)


async def test_a_job_that_is_put_in_while_the_queue_is_asked_is_taken_without_waiting(
    either_runs: Runs, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = asyncio.Event()

    async def tell(*, channel: str, notification: Notification) -> None:
        told.set()

    async def listens() -> bool:
        async with either_runs.database.transaction() as session:
            listening = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'LISTEN%' AND state = 'idle'"
            return bool(await session.scalar(text(listening)))

    app = make_app(either_runs.database)
    async with app.open_async():
        holder = JobHolder(
            app.connector, TABLE, either_runs.database, card=CARD, decoded_max_gb=1.0, stopping=asyncio.Event()
        )
        worker_id = await holder.register_worker()
        listening = asyncio.create_task(holder.listen_for_jobs(on_notification=tell, queues=QUEUES))
        await until(listens, "the worker is told of jobs")
        ask = app.connector.execute_query_all_async
        late: list[int] = []

        async def ask_just_before_a_job_comes(query: str, **arguments: Any) -> list[dict[str, Any]]:
            rows = await ask(query, **arguments)
            if not late:
                late.append(await either_runs.start())
                async with asyncio.timeout(PATIENCE_SECONDS):
                    await told.wait()
            return rows

        monkeypatch.setattr(app.connector, "execute_query_all_async", ask_just_before_a_job_comes)
        job = await holder.fetch_job(QUEUES, worker_id)
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)
    assert job is not None
    assert job.task_kwargs["run_id"] == late[0]
