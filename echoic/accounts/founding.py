"""New accounts: each begins with a private library of its own and a dataset for uploads."""

import secrets

from sqlalchemy.ext.asyncio import AsyncSession

from echoic.db.accounts import accounts
from echoic.db.accounts.accounts import Account
from echoic.db.catalog import libraries
from echoic.settings import Settings

DATASET_NAME = "My uploads"
SLUG_BYTES = 3


async def create_owner(
    session: AsyncSession,
    settings: Settings,
    *,
    name: str,
    plan: str,
    is_admin: bool = False,
    library_name: str | None = None,
    library_slug: str | None = None,
) -> Account:
    """Make an account that can begin at once: it owns a private library with a dataset for uploads."""
    account = await accounts.create_account(session, name=name, plan=plan, is_admin=is_admin)
    library = await libraries.create_library(
        session,
        # Anybody may have taken a slug that can be foreseen.
        slug=library_slug or f"library-{account.id}-{secrets.token_hex(SLUG_BYTES)}",
        name=library_name or f"{name}'s library",
        owner_account_id=account.id,
    )
    await libraries.create_dataset(
        session, library_id=library.id, name=DATASET_NAME, max_file_size_mb=settings.upload_default_max_mb
    )
    return account
