"""Jobs that wait are kept and counted by account, so that the next one is found without a look at each of them

Whatever puts, takes, changes or removes a job, the previous release included, keeps both tables right. Counts are kept as those of
items are: each transaction adds rows of its own, and upkeep makes one row of many.

Revision: 0068
Follows: 0067
"""

import sqlalchemy as sa
from alembic import op

revision = "0068"
down_revision = "0067"
branch_labels = None
depends_on = None

WAITING = """
SELECT job.id, coalesce(reserved.account_id, 0), job.priority, job.queue_name, coalesce(job.args ->> 'stage', ''),
    job.scheduled_at, job.lock
FROM procrastinate_jobs AS job
LEFT JOIN minute_reservations AS reserved ON reserved.run_id = (job.args ->> 'run_id')::bigint
WHERE job.status = 'todo'
"""

# At the commit, since the minutes of a run are reserved after its job is put in. Nobody is waited for: who has changed a job holds
# its row, and nobody else changes the row that is kept of it.
KEEP = """
CREATE FUNCTION echoic_keep_waiting_job_v1() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    changed bigint := coalesce(NEW.id, OLD.id);
BEGIN
    WITH gone AS (DELETE FROM waiting_jobs WHERE job_id = changed RETURNING *)
    INSERT INTO waiting_counts (account_id, priority, queue_name, stage, jobs)
    SELECT account_id, priority, queue_name, stage, -1 FROM gone;
    WITH come AS (INSERT INTO waiting_jobs %s AND job.id = changed RETURNING *)
    INSERT INTO waiting_counts (account_id, priority, queue_name, stage, jobs)
    SELECT account_id, priority, queue_name, stage, 1 FROM come;
    RETURN NULL;
END $$
"""
TRIGGERS = (
    "echoic_job_inserted AFTER INSERT ON procrastinate_jobs {deferred} WHEN (NEW.status = 'todo')",
    """
    echoic_job_changed AFTER UPDATE ON procrastinate_jobs {deferred} WHEN (
        'todo' IN (OLD.status, NEW.status)
        AND (OLD.status, OLD.priority, OLD.queue_name, OLD.args, OLD.scheduled_at, OLD.lock)
            IS DISTINCT FROM (NEW.status, NEW.priority, NEW.queue_name, NEW.args, NEW.scheduled_at, NEW.lock)
    )
    """,
    "echoic_job_deleted AFTER DELETE ON procrastinate_jobs {deferred} WHEN (OLD.status = 'todo')",
)
COUNT = """
INSERT INTO waiting_counts (account_id, priority, queue_name, stage, jobs)
SELECT account_id, priority, queue_name, stage, count(*) FROM waiting_jobs GROUP BY 1, 2, 3, 4
"""

# The same order and the same conditions as before: a job waits if it is due, in one of the queues, and no other job with its lock
# runs or stands before it. Of accounts that never had a turn, the one with the older job comes first. Lines of one account in the
# same stage that differ in their queue come in any order; there are none unless a release moves a stage to another queue. The job of a
# run that was cancelled stays in its line, and its turn is nobody's.
NEXT_JOB = """
CREATE OR REPLACE FUNCTION echoic_next_job_v1(queues text[], stages text[], passed_over text)
    RETURNS TABLE (job_id bigint, account_id bigint, stage text, audio_seconds double precision)
    LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    line record;
    most int;
BEGIN
    -- The first lines are found without sorting all of them, and nearly always one of them has a job to take.
    FOREACH most IN ARRAY ARRAY[20, NULL] LOOP
        FOR line IN
            SELECT counted.*
            FROM (
                SELECT account_id, priority, queue_name, stage
                FROM waiting_counts
                WHERE queue_name = ANY (queues) AND stage IS DISTINCT FROM passed_over
                GROUP BY account_id, priority, queue_name, stage
                HAVING sum(jobs) > 0
            ) AS counted
            LEFT JOIN queue_turns AS turn ON turn.account_id = counted.account_id
            ORDER BY counted.priority DESC, turn.turn ASC NULLS FIRST,
                array_position(stages, counted.stage) DESC NULLS FIRST,
                CASE WHEN turn.turn IS NULL THEN (
                    SELECT min(waiting.job_id) FROM waiting_jobs AS waiting
                    WHERE waiting.account_id = counted.account_id AND waiting.priority = counted.priority
                      AND waiting.queue_name = counted.queue_name AND waiting.stage = counted.stage
                ) END
            LIMIT most
        LOOP
            RETURN QUERY
                SELECT job.id, coalesce(reserved.account_id, 0), line.stage, coalesce(reserved.seconds, 0)
                FROM waiting_jobs AS waiting
                JOIN procrastinate_jobs AS job ON job.id = waiting.job_id AND job.status = 'todo'
                LEFT JOIN minute_reservations AS reserved ON reserved.run_id = (job.args ->> 'run_id')::bigint
                WHERE waiting.account_id = line.account_id AND waiting.priority = line.priority
                  AND waiting.queue_name = line.queue_name AND waiting.stage = line.stage
                  AND (waiting.scheduled_at IS NULL OR waiting.scheduled_at <= now())
                  AND (waiting.lock IS NULL OR NOT EXISTS (
                        SELECT 1 FROM waiting_jobs AS other
                        WHERE other.lock = waiting.lock AND (-other.priority, other.job_id) < (-waiting.priority, waiting.job_id)
                    ) AND NOT EXISTS (
                        SELECT 1 FROM procrastinate_jobs AS other WHERE other.lock = waiting.lock AND other.status = 'doing'
                    ))
                ORDER BY waiting.job_id
                LIMIT 1
                FOR UPDATE OF job SKIP LOCKED;
            IF FOUND THEN
                RETURN;
            END IF;
        END LOOP;
    END LOOP;
END $$
"""


def upgrade() -> None:
    op.create_table(
        "waiting_jobs",
        sa.Column("job_id", sa.BigInteger(), autoincrement=False, nullable=False),
        *_line(),
        sa.Column("scheduled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lock", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("job_id", name=op.f("pk_waiting_jobs")),
    )
    op.create_index(
        op.f("ix_waiting_jobs_line"), "waiting_jobs", ["account_id", "priority", "queue_name", "stage", "job_id"]
    )
    op.create_index(
        op.f("ix_waiting_jobs_lock"), "waiting_jobs", ["lock"], postgresql_where=sa.text("lock IS NOT NULL")
    )
    op.create_table(
        "waiting_counts",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        *_line(),
        sa.Column("jobs", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_waiting_counts")),
    )
    op.execute(KEEP % WAITING)
    # Before what is there is kept: from here on nobody changes a job until the migration has ended.
    for trigger in TRIGGERS:
        made = trigger.format(deferred="DEFERRABLE INITIALLY DEFERRED FOR EACH ROW")
        op.execute(f"CREATE CONSTRAINT TRIGGER {made} EXECUTE FUNCTION echoic_keep_waiting_job_v1()")
    op.execute(f"INSERT INTO waiting_jobs {WAITING}")
    op.execute(COUNT)
    op.execute(NEXT_JOB)


def _line() -> list[sa.Column[object]]:
    return [
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("queue_name", sa.Text(), nullable=False),
        sa.Column("stage", sa.Text(), nullable=False),
    ]
