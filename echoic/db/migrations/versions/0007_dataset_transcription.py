"""How a dataset's recordings are transcribed

Revision: 0007
Follows: 0006
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("datasets", sa.Column("tier", sa.Text(), server_default="fast", nullable=False))
    op.create_check_constraint(op.f("ck_datasets_tier"), "datasets", "tier IN ('fast', 'careful')")
    op.add_column("datasets", sa.Column("initial_prompt", sa.Text(), nullable=True))
    op.add_column("datasets", sa.Column("vocabulary", postgresql.ARRAY(sa.Text()), server_default="{}", nullable=False))
    op.add_column(
        "datasets",
        sa.Column(
            "replacements",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'[]'::jsonb"),
            nullable=False,
        ),
    )
