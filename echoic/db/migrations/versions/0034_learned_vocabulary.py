"""Terms that people do not want in a dataset's vocabulary are kept

Corrections become suggestions for the vocabulary; one that was dismissed is not made again.

Revision: 0034
Follows: 0033
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "datasets",
        sa.Column("vocabulary_dismissed", postgresql.ARRAY(sa.Text()), server_default="{}", nullable=False),
    )
