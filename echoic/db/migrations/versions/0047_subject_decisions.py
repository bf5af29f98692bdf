"""People decide which names are one person or thing, and can undo it

Revision: 0047
Follows: 0046
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0047"
down_revision = "0046"
branch_labels = None
depends_on = None

# A name that is stored while people decide waits for what they decide: seed 0x64656369, the bytes of 'deci'.
GIVE = """
CREATE FUNCTION echoic_give_subject_v2() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    wanted text := echoic_subject_key_v1(NEW.name);
    of_library bigint;
BEGIN
    SELECT datasets.library_id INTO of_library
    FROM items JOIN datasets ON datasets.id = items.dataset_id WHERE items.id = NEW.item_id;
    PERFORM pg_advisory_xact_lock_shared(hashint8extended(of_library, 1684366185));
    SELECT alias.subject_id INTO NEW.subject_id FROM subject_aliases alias
    WHERE alias.library_id = of_library AND alias.type = NEW.type AND alias.key = wanted
        AND (alias.item_id IS NULL OR alias.item_id = NEW.item_id)
    ORDER BY alias.item_id NULLS LAST LIMIT 1;
    IF FOUND THEN RETURN NEW; END IF;
    LOOP
        SELECT id INTO NEW.subject_id FROM subjects
        WHERE library_id IS NULL AND type = NEW.type AND key = wanted FOR KEY SHARE;
        EXIT WHEN FOUND;
        INSERT INTO subjects (type, key) VALUES (NEW.type, wanted)
        ON CONFLICT (type, key) WHERE library_id IS NULL DO NOTHING RETURNING id INTO NEW.subject_id;
        EXIT WHEN FOUND;
    END LOOP;
    RETURN NEW;
END $$
"""


def upgrade() -> None:
    op.create_table(
        "subject_decisions",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("library_id", sa.BigInteger(), nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("subject_id", sa.BigInteger(), nullable=False),
        sa.Column("changes", JSONB(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("undone_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("kind IN ('merge', 'split', 'rename', 'hide')", name=op.f("ck_subject_decisions_kind")),
        sa.ForeignKeyConstraint(
            ["library_id"], ["libraries.id"], name=op.f("fk_subject_decisions_library_id_libraries"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.id"], name=op.f("fk_subject_decisions_account_id_accounts"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["subject_id"], ["subjects.id"], name=op.f("fk_subject_decisions_subject_id_subjects"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_subject_decisions")),
    )
    for column in ("library_id", "account_id", "subject_id"):
        op.create_index(op.f(f"ix_subject_decisions_{column}"), "subject_decisions", [column])
    op.execute(GIVE)
    op.execute("DROP TRIGGER echoic_give_subject ON entities")
    op.execute(
        "CREATE TRIGGER echoic_give_subject BEFORE INSERT OR UPDATE OF type, name ON entities "
        "FOR EACH ROW EXECUTE FUNCTION echoic_give_subject_v2()"
    )
    op.execute("DROP FUNCTION echoic_give_subject_v1")
