"""The heads of the requests of resumable uploads, whichever protocol they are written in."""

from dataclasses import dataclass
from typing import Protocol

from echoic.errors import AudioEmpty
from echoic.intake.admission import Head
from echoic.intake.body import Cap


class PieceDigest(Protocol):
    """The digest that the bytes of one request must have; feed it all of them, then check."""

    def update(self, chunk: bytes, /) -> None: ...

    def check(self) -> None:
        """Raise an error where the bytes were others."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class CreationHead(Head):
    """The headers of the request that begins an upload."""

    size_bytes: int | None
    """None where the length is to follow."""
    given_metadata: str | None

    def check(self, cap: Cap) -> None:
        """Raise the cap's error, and AudioEmpty for a length of nothing."""
        cap.check(self.size_bytes)
        if self.size_bytes == 0:
            raise AudioEmpty

    def file_bytes(self) -> int:
        """Return the length, as far as it is known."""
        return self.size_bytes or 0


@dataclass(frozen=True, kw_only=True, slots=True)
class UploadPiece:
    """The headers of one request about the bytes in its body."""

    offset_bytes: int
    declared_bytes: int | None = None
    """The length of the body, where it is said."""
    upload_bytes: int | None = None
    """The length of the whole upload, where it was to follow."""
    checksum: PieceDigest | None = None
    is_last: bool | None = None
    """By the IETF's protocol, whether the upload ends with this body; None: by tus, where the length alone tells."""

    @property
    def supersedes(self) -> bool:
        """Return whether another request at work on the upload ends for this one, as the IETF's protocol has it."""
        return self.is_last is not None
