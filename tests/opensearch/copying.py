"""A process that does nothing but write what a copy lacks, until it is killed.

python -m tests.opensearch.copying DATABASE_URL PREFIX
"""

import asyncio
import os
import sys

from echoic.db.connect import Database
from echoic.opensearch.client import OpenSearchClient
from echoic.opensearch.copier import Copier
from echoic.opensearch.names import Names
from echoic.processes import end_with_parent


async def _copy(database_url: str, prefix: str) -> None:
    copier = Copier(
        Database(database_url, pool_size=2), OpenSearchClient(os.environ["TESTS_OPENSEARCH_URL"]), Names(prefix)
    )
    sys.stdout.write("copying\n")
    sys.stdout.flush()
    while True:
        if not await copier.write_due():
            await asyncio.sleep(0.05)


if __name__ == "__main__":
    end_with_parent(os.getppid())
    asyncio.run(_copy(sys.argv[1], sys.argv[2]))
