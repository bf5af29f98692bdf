"""The datasets of whose subjects an account may be shown counts: by whole libraries where it reads all, else one by one."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from echoic.db.catalog.libraries import Dataset, Library, LibraryMember, reads_original
from echoic.db.transcripts.entity_list import EntityFilters


@dataclass(frozen=True, kw_only=True, slots=True)
class Readable:
    """Datasets of which an account may be shown counts, by the fewest rows of kept counts that hold them."""

    datasets: Sequence[int]
    """The ids of all of them."""
    alone: Sequence[int]
    """The ids of those whose library has others that the account may not be shown."""
    libraries: Sequence[int]
    """The negated ids of the libraries of the rest: by these stand the counts of a whole library."""

    @property
    def places(self) -> list[int]:
        """The ``dataset_id`` of kept counts which in sum are those of all the datasets."""
        return [*self.libraries, *self.alone]


async def find_readable(session: AsyncSession, *, account_id: int, filters: EntityFilters) -> Readable:
    """Return the datasets that filters leave, and which the account may read with nothing redacted."""
    memberships = select(LibraryMember.library_id).where(LibraryMember.account_id == account_id)
    visible = (
        select(Dataset.id, Dataset.library_id, reads_original(account_id).label("in_original"))
        .join(Library, Library.id == Dataset.library_id)
        .where(or_(Library.visibility == "public", Library.id.in_(memberships)))
    )
    if filters.library is not None:
        visible = visible.where(Library.slug == filters.library)
    if filters.dataset is not None:
        rows = await session.execute(visible.where(Dataset.id == filters.dataset))
        one = [row.id for row in rows if row.in_original]
        return Readable(datasets=one, alone=one, libraries=[])
    datasets: list[int] = []
    of_library: defaultdict[int, list[int]] = defaultdict(list)
    partly: set[int] = set()
    for row in await session.execute(visible.order_by(Dataset.id)):
        if row.in_original:
            datasets.append(row.id)
            of_library[row.library_id].append(row.id)
        else:
            partly.add(row.library_id)
    alone = sorted(dataset_id for library_id in partly for dataset_id in of_library[library_id])
    return Readable(datasets=datasets, alone=alone, libraries=sorted(-one for one in of_library.keys() - partly))
