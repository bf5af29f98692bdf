"""The order in which workers take jobs: fair between accounts, later stages first, no more decoded audio than allowed."""

from collections.abc import Iterable
from typing import Any

from procrastinate.connector import BaseConnector
from procrastinate.jobs import Job
from procrastinate.manager import JobManager

from echoic.db.runs.job_queue import TAKE_JOB
from echoic.pipeline.stage import StageTable

GB = 1_073_741_824


class TurnTaking(JobManager):
    """The queue library's jobs, of which the next is chosen by our own rule.

    Within a priority it is the turn of the account that has waited longest since its last one; of its jobs the one of
    the latest stage comes first. A job of the stage that leaves decoded audio on the disk waits in the queue, untouched,
    while too much of it is there; it keeps its place, and with nothing there it starts whatever its size.
    """

    def __init__(self, connector: BaseConnector, table: StageTable[Any], *, decoded_max_gb: float) -> None:
        super().__init__(connector)
        capped = table.capped
        self._order = {
            "stages": [stage.name for stage in table],
            "capped_stage": capped.name if capped else None,
            "bytes_per_second": capped.leaves_bytes_per_second if capped else None,
            "max_bytes": int(decoded_max_gb * GB),
        }

    async def fetch_job(self, queues: Iterable[str] | None, worker_id: int) -> Job | None:
        """Take the job that is next in the given queues; None where there is none.

        Raises:
            ConnectorException: the database cannot be asked.
        """
        rows = await self.connector.execute_query_all_async(
            query=TAKE_JOB, queues=list(queues or ()), worker_id=worker_id, **self._order
        )
        return Job.from_row(rows[0]) if rows else None
