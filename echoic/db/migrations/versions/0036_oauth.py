"""Programs that people connect by OAuth: clients, grants, codes and tokens

Revision: 0036
Follows: 0035
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

revision = "0036"
down_revision = "0035"
branch_labels = None
depends_on = None

TEXTS = ARRAY(sa.Text())
TIME = sa.DateTime(timezone=True)
NOW = sa.text("now()")


def upgrade() -> None:
    op.create_table(
        "oauth_clients",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("redirect_uris", TEXTS, nullable=False),
        sa.Column("grant_types", TEXTS, nullable=False),
        sa.Column("auth_method", sa.Text(), nullable=False),
        sa.Column("secret_sha256", sa.Text(), nullable=True),
        sa.Column("scopes", TEXTS, nullable=True),
        sa.Column("told", JSONB(), nullable=False),
        sa.Column("created_at", TIME, server_default=NOW, nullable=False),
        sa.Column("last_used_at", TIME, server_default=NOW, nullable=False),
        sa.Column("fresh_until", TIME, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_oauth_clients")),
        sa.UniqueConstraint("client_id", name=op.f("uq_oauth_clients_client_id")),
    )
    op.create_table(
        "oauth_grants",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        *_of_account_and_client("oauth_grants"),
        sa.Column("redirect_uri", sa.Text(), nullable=False),
        sa.Column("scopes", TEXTS, nullable=False),
        sa.Column("resource", sa.Text(), nullable=False),
        sa.Column("issuer", sa.Text(), nullable=True),
        sa.Column("created_at", TIME, server_default=NOW, nullable=False),
        sa.Column("last_used_at", TIME, server_default=NOW, nullable=False),
        sa.Column("expires_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_oauth_grants")),
    )
    _index("oauth_grants", "account_id", "client_id", "expires_at")
    _codes()
    _tokens()


def _codes() -> None:
    op.create_table(
        "oauth_codes",
        sa.Column("sha256", sa.Text(), nullable=False),
        *_of_account_and_client("oauth_codes"),
        sa.Column("redirect_uri", sa.Text(), nullable=False),
        sa.Column("challenge", sa.Text(), nullable=False),
        sa.Column("scopes", TEXTS, nullable=False),
        sa.Column("resource", sa.Text(), nullable=False),
        sa.Column("issuer", sa.Text(), nullable=True),
        sa.Column("created_at", TIME, server_default=NOW, nullable=False),
        sa.Column("expires_at", TIME, nullable=False),
        sa.Column("used_at", TIME, nullable=True),
        sa.Column("grant_id", sa.BigInteger(), nullable=True),
        _of_grant("oauth_codes"),
        sa.PrimaryKeyConstraint("sha256", name=op.f("pk_oauth_codes")),
    )
    _index("oauth_codes", "account_id", "client_id", "expires_at", "grant_id")


def _tokens() -> None:
    op.create_table(
        "oauth_tokens",
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("grant_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("scopes", TEXTS, nullable=False),
        sa.Column("created_at", TIME, server_default=NOW, nullable=False),
        sa.Column("expires_at", TIME, nullable=False),
        sa.Column("used_at", TIME, nullable=True),
        sa.CheckConstraint("kind IN ('access', 'refresh')", name=op.f("ck_oauth_tokens_kind")),
        _of_grant("oauth_tokens"),
        sa.PrimaryKeyConstraint("sha256", name=op.f("pk_oauth_tokens")),
    )
    _index("oauth_tokens", "grant_id", "expires_at")


def _of_account_and_client(table: str) -> list[sa.Column[int] | sa.ForeignKeyConstraint]:
    return [
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("client_id", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.id"], name=op.f(f"fk_{table}_account_id_accounts"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["client_id"], ["oauth_clients.id"], name=op.f(f"fk_{table}_client_id_oauth_clients"), ondelete="CASCADE"
        ),
    ]


def _of_grant(table: str) -> sa.ForeignKeyConstraint:
    name = op.f(f"fk_{table}_grant_id_oauth_grants")
    return sa.ForeignKeyConstraint(["grant_id"], ["oauth_grants.id"], name=name, ondelete="CASCADE")


def _index(table: str, *columns: str) -> None:
    for column in columns:
        op.create_index(op.f(f"ix_{table}_{column}"), table, [column])
