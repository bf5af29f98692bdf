"""A recording's bytes count for the account that uploaded them

Revision: 0017
Follows: 0016
"""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("blobs", sa.Column("account_id", sa.BigInteger(), nullable=True))
    op.create_foreign_key(
        op.f("fk_blobs_account_id_accounts"), "blobs", "accounts", ["account_id"], ["id"], ondelete="SET NULL"
    )
    # Nobody wrote down who uploaded what is there; it counts for the owner of its library. What the previous release
    # takes in while it still runs counts for nobody.
    op.execute(
        "UPDATE blobs SET account_id = libraries.owner_account_id FROM items "
        "JOIN datasets ON datasets.id = items.dataset_id JOIN libraries ON libraries.id = datasets.library_id "
        "WHERE items.audio_blob_id = blobs.id"
    )
    op.create_index(
        op.f("ix_blobs_account_id_size_bytes"),
        "blobs",
        ["account_id", "size_bytes"],
        unique=False,
        postgresql_where=sa.text("account_id IS NOT NULL"),
    )
