"""The key that signs receipts is there from the start

The first deletion made it before, in its own transaction: a second one at once waited for that to end with its own rows
locked, and two that also waited for each other's rows ended in a deadlock.

Revision: 0061
Follows: 0060
"""

import secrets

import sqlalchemy as sa
from alembic import op

revision = "0061"
down_revision = "0060"
branch_labels = None
depends_on = None

KEY_BYTES = 32


def upgrade() -> None:
    made = sa.text(
        "INSERT INTO server_secrets (name, secret) VALUES ('deletion receipts', :secret) ON CONFLICT DO NOTHING"
    )
    op.get_bind().execute(made, {"secret": secrets.token_bytes(KEY_BYTES)})


def downgrade() -> None:
    """Keep the key: receipts may be signed with it."""
