"""The names that our indices have in a cluster."""

from dataclasses import dataclass
from datetime import UTC

from echoic.db.search.copies import Copy

PREFIX = "echoic"


@dataclass(frozen=True, slots=True)
class Names:
    """Names that begin with one prefix: an index for each copy, and the alias that searches ask."""

    prefix: str = PREFIX

    @property
    def alias(self) -> str:
        """The alias of the copy that answers searches."""
        return f"{self.prefix}-search"

    @property
    def pattern(self) -> str:
        """A pattern that fits every index of ours, and not the alias."""
        return f"{self.prefix}-v*"

    def index(self, copy: Copy) -> str:
        """Return the name of a copy's index; a database that was restored from a backup gives none a second time."""
        begun = copy.created_at.astimezone(UTC)
        return f"{self.prefix}-v{copy.schema_version}-{begun:%Y%m%d%H%M%S%f}-{copy.id}"

    def way_in(self, copy: Copy) -> str:
        """Return the alias by which a copy is written: a cluster that has lost the index makes none by itself."""
        return f"{self.index(copy)}-write"
