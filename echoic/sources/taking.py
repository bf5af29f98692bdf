"""Taking in a recording that a source brought: the rights, minutes and checks of an upload, for the account that pays.

It knows nothing of feeds: whatever fills a dataset by itself hands its stored bytes over here.
"""

from echoic.access import Caller
from echoic.db.sources.feeds import Payer
from echoic.errors import EchoicError
from echoic.intake.accept import Accepted, Acceptor, Committing, Wanted
from echoic.intake.admission import Admission, Admissions, Head
from echoic.intake.fields import FileMetadata
from echoic.intake.file_names import check_extension
from echoic.intake.sweep import discard
from echoic.storage.blobs import Blobs, StoredBlob


class Taking:
    """Makes items of what sources bring."""

    def __init__(self, admissions: Admissions, acceptor: Acceptor, blobs: Blobs) -> None:
        self._admissions = admissions
        self._acceptor = acceptor
        self._blobs = blobs

    async def admit(self, payer: Payer, dataset_id: int, head: Head) -> Admission:
        """Check whether a recording may come, before it is fetched. Raises what ``Admissions.admit`` raises."""
        caller = Caller(account_id=payer.account_id, key_id=None, plan=payer.plan, scopes=frozenset({"upload"}))
        return await self._admissions.admit(caller, dataset_id, head)

    async def take(
        self,
        admission: Admission,
        stored: StoredBlob,
        metadata: FileMetadata,
        *,
        wanted: Wanted,
        committing: Committing,
    ) -> Accepted:
        """Make an item of stored bytes, or delete them; ``committing`` writes the source's rows in the same transaction.

        Raises FormatNotAllowed and MetadataRequired, and what ``Acceptor.accept`` raises.
        """
        try:
            check_extension(metadata.file_name, admission.allowed_formats)
            self._admissions.check_fields(admission, metadata)
        except EchoicError:
            await discard(self._blobs, [stored.key])
            raise
        return await self._acceptor.accept(admission, stored, metadata, wanted=wanted, committing=committing)
