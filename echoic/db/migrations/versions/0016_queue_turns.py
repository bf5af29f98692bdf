"""Waiting jobs are taken in turns by account, later stages first, within a cap on decoded audio

Revision: 0016
Follows: 0015
"""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

# A job waits: it is due, in one of the queues, and no other job with its lock runs or stands before it. The order:
# priority; then the account that has waited longest for its turn; then the later stage; then the older job.
NEXT_JOB = """
CREATE FUNCTION echoic_next_job_v1(queues text[], stages text[], passed_over text)
    RETURNS TABLE (job_id bigint, account_id bigint, stage text, audio_seconds double precision)
    LANGUAGE sql AS $$
    SELECT job.id, coalesce(reserved.account_id, 0), job.args ->> 'stage', coalesce(reserved.seconds, 0)
    FROM procrastinate_jobs AS job
    LEFT JOIN minute_reservations AS reserved ON reserved.run_id = (job.args ->> 'run_id')::bigint
    LEFT JOIN queue_turns AS turn ON turn.account_id = coalesce(reserved.account_id, 0)
    WHERE job.status = 'todo'
      AND job.queue_name = ANY (queues)
      AND (job.scheduled_at IS NULL OR job.scheduled_at <= now())
      AND (passed_over IS NULL OR job.args ->> 'stage' IS DISTINCT FROM passed_over)
      AND (job.lock IS NULL OR NOT EXISTS (
            SELECT 1 FROM procrastinate_jobs AS other
            WHERE other.lock = job.lock
              AND (other.status = 'doing'
                   OR other.status = 'todo' AND (-other.priority, other.id) < (-job.priority, job.id))))
    ORDER BY job.priority DESC, turn.turn ASC NULLS FIRST,
             array_position(stages, job.args ->> 'stage') DESC NULLS FIRST, job.id
    LIMIT 1
    FOR UPDATE OF job SKIP LOCKED
$$
"""

# What waits is the decoded audio of runs that are past the capped stage, and the most that those in it will leave.
WAITING_BYTES = """
CREATE FUNCTION echoic_waiting_bytes_v1(capped_stage text, bytes_per_second bigint) RETURNS double precision
    LANGUAGE sql STABLE AS $$
    SELECT coalesce(sum(
        CASE WHEN run.stage <> capped_stage THEN coalesce(decoded.size_bytes, 0)
             WHEN job.status = 'doing' THEN greatest(coalesce(reserved.seconds, 0) * bytes_per_second, 1)
             ELSE 0 END), 0)::double precision
    FROM pipeline_queue AS run
    JOIN items AS item ON item.id = run.item_id
    LEFT JOIN blobs AS decoded ON decoded.id = item.decoded_blob_id
    LEFT JOIN procrastinate_jobs AS job ON job.id = run.job_id
    LEFT JOIN minute_reservations AS reserved ON reserved.run_id = run.id
    WHERE run.state IN ('queued', 'running')
$$
"""

# A capped stage that does not fit keeps its place: no other of its kind passes it, so that a long recording cannot be
# overtaken for ever; later stages go on and make room. With nothing waiting, it starts however long it is.
TAKE_JOB = """
CREATE FUNCTION echoic_take_job_v1(
    queues text[], worker bigint, stages text[], capped_stage text, bytes_per_second bigint, max_bytes bigint
)
    RETURNS SETOF procrastinate_jobs LANGUAGE plpgsql AS $$
DECLARE
    next record;
    waiting double precision;
BEGIN
    -- One taker at a time, each of whom sees what the one before took: the key is the bytes of 'takejob'.
    PERFORM pg_advisory_xact_lock(x'74616b656a6f62'::bigint);
    SELECT * INTO next FROM echoic_next_job_v1(queues, stages, NULL);
    IF next.stage = capped_stage THEN
        waiting := echoic_waiting_bytes_v1(capped_stage, bytes_per_second);
        IF waiting > 0 AND waiting + next.audio_seconds * bytes_per_second > max_bytes THEN
            SELECT * INTO next FROM echoic_next_job_v1(queues, stages, capped_stage);
        END IF;
    END IF;
    IF next.job_id IS NULL THEN
        RETURN;
    END IF;
    INSERT INTO queue_turns AS mine (account_id, turn)
        VALUES (next.account_id, (SELECT coalesce(max(turn), 0) + 1 FROM queue_turns))
        ON CONFLICT (account_id) DO UPDATE SET turn = excluded.turn;
    RETURN QUERY
        UPDATE procrastinate_jobs SET status = 'doing', worker_id = worker WHERE id = next.job_id RETURNING *;
END
$$
"""


def upgrade() -> None:
    op.create_table(
        "queue_turns",
        sa.Column("account_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("turn", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.PrimaryKeyConstraint("account_id", name=op.f("pk_queue_turns")),
    )
    for function in (NEXT_JOB, WAITING_BYTES, TAKE_JOB):
        op.execute(function)
