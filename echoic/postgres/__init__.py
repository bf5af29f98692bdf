"""The embedded PostgreSQL: found, started, watched and stopped here; knows neither SQLAlchemy nor the schema."""

from echoic.postgres.attach import ROLE, attach
from echoic.postgres.cluster import has_cluster
from echoic.postgres.server import EmbeddedPostgres

__all__ = ["ROLE", "EmbeddedPostgres", "attach", "has_cluster"]
