"""Minutes that an account has used, and the refusal of an upload for which none are left."""

from datetime import date

import httpx
from sqlalchemy import text

from echoic.compose import Components
from echoic.db.accounts import minutes
from tests.factories import Tenant

LIMIT_SECONDS = 600.0
AUDIO_SECONDS = 11.0


async def use(components: Components, tenant: Tenant, seconds: float, month: date | None = None) -> None:
    """Have an account use so much, this month or in another."""
    async with components.database.transaction() as session:
        await session.execute(
            text("INSERT INTO monthly_use (account_id, month, seconds) VALUES (:account, :month, :seconds)"),
            {
                "account": tenant.account_id,
                "month": month or await minutes.this_month(session),
                "seconds": seconds,
            },
        )


def refusal(answer: httpx.Response) -> str:
    assert (answer.status_code, answer.json()["code"]) == (403, "quota_exhausted"), answer.text
    message: str = answer.json()["message"]
    return message
