"""Alembic's entry: runs the migrations on the connection that ``echoic.db.migrate`` hands in."""

from alembic import context
from sqlalchemy import text

from echoic.db import schema

# A migration that cannot get its lock gives up instead of making every query of a running server wait behind it.
LOCK_TIMEOUT = "10s"

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=schema.metadata, transaction_per_migration=True)
with context.begin_transaction():
    connection.execute(text(f"SET lock_timeout = '{LOCK_TIMEOUT}'"))
    context.run_migrations()
    connection.execute(text("RESET lock_timeout"))
