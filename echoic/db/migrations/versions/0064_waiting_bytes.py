"""What decoded audio waits is counted without a look at the runs that wait to be decoded

Of these there may be thousands, and the count is made whenever one of them is next.

Revision: 0064
Follows: 0063
"""

from alembic import op

revision = "0064"
down_revision = "0063"
branch_labels = None
depends_on = None

# The same as before: the decoded audio of runs that are past the capped stage, and the most that those in it will leave. The first
# begins with the items that have decoded audio, the second with the jobs in hand: both are few, however many runs wait.
WAITING_BYTES = """
CREATE OR REPLACE FUNCTION echoic_waiting_bytes_v1(capped_stage text, bytes_per_second bigint) RETURNS double precision
    LANGUAGE sql STABLE AS $$
    SELECT coalesce((
        SELECT sum(decoded.size_bytes)
        FROM items AS item
        JOIN blobs AS decoded ON decoded.id = item.decoded_blob_id
        JOIN pipeline_queue AS run ON run.item_id = item.id
        WHERE item.decoded_blob_id IS NOT NULL
          AND run.state IN ('queued', 'running') AND run.stage <> capped_stage
    ), 0)::double precision + coalesce((
        SELECT sum(greatest(coalesce(reserved.seconds, 0) * bytes_per_second, 1))
        FROM procrastinate_jobs AS job
        JOIN pipeline_queue AS run ON run.id = (job.args ->> 'run_id')::bigint AND run.job_id = job.id
        LEFT JOIN minute_reservations AS reserved ON reserved.run_id = run.id
        WHERE job.status = 'doing' AND run.state IN ('queued', 'running') AND run.stage = capped_stage
    ), 0)
$$
"""


def upgrade() -> None:
    op.execute(WAITING_BYTES)
