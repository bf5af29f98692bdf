"""Libraries, their members, and the datasets in them."""

from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import Boolean, CheckConstraint, ColumnElement, ForeignKey, Select, or_, select, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from echoic.db.base import Base, CreatedAt, PrimaryKey, set_columns
from echoic.errors import SlugTaken

DEFAULT_FORMATS = ("mp3", "wav", "m4a", "ogg", "flac")
DEFAULT_MAX_FILE_SIZE_MB = 500

Role = Literal["owner", "editor", "viewer"]
Visibility = Literal["private", "public"]


class Library(Base):
    """A curated workspace: a slug, an owner, members, datasets."""

    __tablename__ = "libraries"
    __table_args__ = (CheckConstraint("visibility IN ('private', 'public')", name="visibility"),)

    id: Mapped[PrimaryKey]
    slug: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    description: Mapped[str | None]
    owner_account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id", ondelete="CASCADE"), index=True)
    visibility: Mapped[str] = mapped_column(server_default="private")
    created_at: Mapped[CreatedAt]


class LibraryMember(Base):
    """An account's role in a library."""

    __tablename__ = "library_members"
    __table_args__ = (CheckConstraint("role IN ('owner', 'editor', 'viewer')", name="role"),)

    library_id: Mapped[int] = mapped_column(ForeignKey("libraries.id", ondelete="CASCADE"), primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id", ondelete="CASCADE"), primary_key=True, index=True)
    role: Mapped[str]
    created_at: Mapped[CreatedAt]


class LibrarySubscription(Base):
    """An account that follows a public library without being one of its members.

    A subscription is no membership: it gives no right that everybody with a key does not have.
    """

    __tablename__ = "library_subscriptions"

    library_id: Mapped[int] = mapped_column(ForeignKey("libraries.id", ondelete="CASCADE"), primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id", ondelete="CASCADE"), primary_key=True, index=True)
    created_at: Mapped[CreatedAt]


class Dataset(Base):
    """Related items in one library, and the settings that say what may be uploaded."""

    __tablename__ = "datasets"
    __table_args__ = (
        CheckConstraint("content_type IN ('uploads', 'podcast')", name="content_type"),
        CheckConstraint("tier IN ('fast', 'careful')", name="tier"),
    )

    id: Mapped[PrimaryKey]
    library_id: Mapped[int] = mapped_column(ForeignKey("libraries.id", ondelete="CASCADE"), index=True)
    name: Mapped[str]
    description: Mapped[str | None]
    content_type: Mapped[str] = mapped_column(server_default="uploads")
    require_metadata: Mapped[bool] = mapped_column(server_default=text("false"))
    auto_transcribe: Mapped[bool] = mapped_column(server_default=text("true"))
    max_file_size_mb: Mapped[int] = mapped_column(server_default=text(str(DEFAULT_MAX_FILE_SIZE_MB)))
    allowed_formats: Mapped[list[str]] = mapped_column(server_default="{" + ",".join(DEFAULT_FORMATS) + "}")
    language: Mapped[str | None]
    languages: Mapped[list[str]] = mapped_column(server_default="{}")
    """Those that are likely to be spoken, where ``language`` is None."""
    tier: Mapped[str] = mapped_column(server_default="fast")
    engine: Mapped[str | None]
    """Of the transcriber asked for; None for this server's own."""
    model: Mapped[str | None]
    initial_prompt: Mapped[str | None]
    vocabulary: Mapped[list[str]] = mapped_column(server_default="{}")
    vocabulary_dismissed: Mapped[list[str]] = mapped_column(server_default="{}")
    """Terms that corrections suggested for the vocabulary, and nobody wanted there."""
    replacements: Mapped[list[dict[str, Any]]] = mapped_column(server_default=text("'[]'::jsonb"))
    """Objects with ``find`` and ``replace``."""
    num_speakers: Mapped[int | None]
    min_speakers: Mapped[int | None]
    max_speakers: Mapped[int | None]
    identify_speakers: Mapped[bool] = mapped_column(server_default=text("true"))
    chapters_by_model: Mapped[bool] = mapped_column(server_default=text("false"))
    """Whether a language model may be sent what is said, to write titles and summaries of chapters."""
    redaction: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    """An object with ``kinds``, ``words`` and ``original_roles``; None: nothing is redacted."""
    delete_after_days: Mapped[int | None]
    """Days from its publishing after which an item is deleted, unless it has a deadline of its own; None: never."""
    delete_audio_after_days: Mapped[int | None]
    """The same for its audio alone."""
    delete_transcript_after_days: Mapped[int | None]
    """The same for its transcript alone."""
    legal_hold: Mapped[bool] = mapped_column(server_default=text("false"))
    """Whether nothing of it may be deleted, by anybody and at any deadline."""
    created_at: Mapped[CreatedAt]


@dataclass(frozen=True, kw_only=True, slots=True)
class DatasetView:
    """A dataset as one account sees it: with its library and the account's role there (None: no member)."""

    dataset: Dataset
    library: Library
    role: str | None

    @property
    def redaction(self) -> dict[str, Any] | None:
        """The policy of the dataset, if it has one."""
        return self.dataset.redaction


@dataclass(frozen=True, kw_only=True, slots=True)
class LibraryView:
    """A library as one account sees it."""

    library: Library
    role: str | None


async def create_library(
    session: AsyncSession,
    *,
    slug: str,
    name: str,
    owner_account_id: int,
    visibility: Visibility = "private",
    description: str | None = None,
) -> Library:
    """Make a library; its owner becomes its first member. Raises SlugTaken."""
    library = Library(
        slug=slug, name=name, description=description, owner_account_id=owner_account_id, visibility=visibility
    )
    try:
        async with session.begin_nested():
            session.add(library)
    except IntegrityError as error:
        raise SlugTaken from error
    await add_member(session, library_id=library.id, account_id=owner_account_id, role="owner")
    return library


async def change_library(session: AsyncSession, library: Library, **columns: object) -> None:
    """Write other values into columns of a library."""
    await set_columns(session, library, columns)


async def get_library(session: AsyncSession, library_id: int) -> Library:
    """Return one library by its id, which comes from a row that refers to it."""
    return await session.get_one(Library, library_id)


async def add_member(session: AsyncSession, *, library_id: int, account_id: int, role: Role) -> None:
    """Give an account a role in a library."""
    session.add(LibraryMember(library_id=library_id, account_id=account_id, role=role))
    await session.flush()


async def create_dataset(
    session: AsyncSession, *, library_id: int, name: str, content_type: str = "uploads", **settings: object
) -> Dataset:
    """Make a dataset; ``settings`` are its columns, the rest take their defaults."""
    dataset = Dataset(library_id=library_id, name=name, content_type=content_type, **settings)
    session.add(dataset)
    await session.flush()
    await session.refresh(dataset)
    return dataset


async def change_dataset(session: AsyncSession, dataset: Dataset, **settings: object) -> None:
    """Write other settings into the columns of a dataset."""
    await set_columns(session, dataset, settings)


async def identifies_speakers(session: AsyncSession, dataset_id: int) -> bool:
    """Return whether the dataset identifies speakers by its row as it is now, not as this transaction first read it."""
    return bool(await session.scalar(select(Dataset.identify_speakers).where(Dataset.id == dataset_id)))


async def get_dataset(session: AsyncSession, dataset_id: int) -> Dataset:
    """Return one dataset by its id, which comes from a row that refers to it."""
    return await session.get_one(Dataset, dataset_id)


async def view_dataset(session: AsyncSession, *, dataset_id: int, account_id: int) -> DatasetView | None:
    """Return a dataset with the caller's role, or None where there is no such dataset."""
    row = (await session.execute(dataset_views(account_id).where(Dataset.id == dataset_id))).one_or_none()
    return None if row is None else DatasetView(dataset=row[0], library=row[1], role=row[2])


def dataset_views(account_id: int) -> Select[Dataset, Library, str]:
    """Selects every dataset with its library and the account's role there."""
    return (
        select(Dataset, Library, LibraryMember.role)
        .join(Library, Library.id == Dataset.library_id)
        .outerjoin(LibraryMember, (LibraryMember.library_id == Library.id) & (LibraryMember.account_id == account_id))
    )


def reads_original(account_id: "int | ColumnElement[int]") -> ColumnElement[bool]:
    """For a statement over datasets: nothing is redacted there for the account, by the rule of ``access``."""
    role = (
        select(LibraryMember.role)
        .where(LibraryMember.library_id == Dataset.library_id, LibraryMember.account_id == account_id)
        .correlate(Dataset)
        .scalar_subquery()
    )
    return role_reads_original(role)


def role_reads_original(role: Any) -> ColumnElement[bool]:
    """For a statement over datasets: nothing is redacted there for a role, which is an expression; NULL for strangers."""
    named: ColumnElement[bool] = Dataset.redaction["original_roles"].op("?", return_type=Boolean())(role)
    return or_(Dataset.redaction.is_(None), named)


async def hides_names(session: AsyncSession, *, library_id: int, role: str | None) -> bool:
    """Return whether a dataset of a library hides names of people, or words of its own list, from a role."""
    rows = await session.scalars(
        select(Dataset.redaction).where(Dataset.library_id == library_id, Dataset.redaction.is_not(None))
    )
    return any(
        role not in policy["original_roles"] and ("person" in policy["kinds"] or policy["words"])
        for policy in rows
        if policy is not None
    )


async def hold_dataset(session: AsyncSession, dataset_id: int) -> bool:
    """Keep a dataset from being deleted until the transaction ends; False where it is gone."""
    query = select(Dataset.id).where(Dataset.id == dataset_id).with_for_update(read=True, key_share=True)
    return await session.scalar(query) is not None


async def lock_dataset(session: AsyncSession, dataset_id: int) -> None:
    """Let nobody else change or delete a dataset until the transaction ends; uploads into it go on."""
    await session.execute(select(Dataset.id).where(Dataset.id == dataset_id).with_for_update(key_share=True))


async def hold_library(session: AsyncSession, slug: str) -> None:
    """Keep a library, where it is there, from being deleted until the transaction ends."""
    await session.execute(select(Library.id).where(Library.slug == slug).with_for_update(read=True, key_share=True))


async def lock_library(session: AsyncSession, slug: str) -> None:
    """Let nobody else change a library, delete it, or put anything into it until the transaction ends."""
    await session.execute(select(Library.id).where(Library.slug == slug).with_for_update())


async def view_library(session: AsyncSession, *, slug: str, account_id: int) -> LibraryView | None:
    """Return a library with the caller's role, or None where there is no such library."""
    row = (
        await session.execute(
            select(Library, LibraryMember.role)
            .outerjoin(
                LibraryMember, (LibraryMember.library_id == Library.id) & (LibraryMember.account_id == account_id)
            )
            .where(Library.slug == slug)
        )
    ).one_or_none()
    return None if row is None else LibraryView(library=row[0], role=row[1])


async def first_own_library(session: AsyncSession, account_id: int) -> Library | None:
    """Of the libraries an account owns, the one it has been a member of for longest.

    Not the oldest of them: others may make it an owner of theirs.
    """
    return await session.scalar(
        select(Library)
        .join(LibraryMember, LibraryMember.library_id == Library.id)
        .where(LibraryMember.account_id == account_id, LibraryMember.role == "owner")
        .order_by(LibraryMember.created_at, Library.id)
        .limit(1)
    )
