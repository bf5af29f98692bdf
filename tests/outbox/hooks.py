"""The outbox in tests: one that may send to the loopback interface, ends of runs, and rounds of sending."""

import dataclasses
import ssl

from sqlalchemy import text

from echoic.alerts.checks import AlertChecker
from echoic.alerts.mails import AlertMails
from echoic.compose import Components
from echoic.db.runs import runs
from echoic.errors import MediaUnreadable
from echoic.intake.egress import Egress
from echoic.intake.networks import AllowList
from echoic.outbox.mailing import Mailing, sender_of
from echoic.outbox.smtp import SmtpServer
from echoic.outbox.webhooks import Outbox
from echoic.pipeline.stage import StageOutput
from tests.sites import ScriptedResolver

BASE = "https://echoic.example"
"""The address of the server in links of mails."""


def open_outbox(components: Components, trusting: ssl.SSLContext, mailing: Mailing | None = None) -> Outbox:
    """The outbox of a process that may send to the loopback interface under a name."""
    egress = Egress(
        ssl_context=trusting,
        resolve=ScriptedResolver(good_example=[["127.0.0.1"]], internal_example=[["127.0.0.2"]]),
        allowed=AllowList.parse(["127.0.0.1"]),
    )
    return Outbox(components.database, egress, mailing)


def with_mail(components: Components, trusting: ssl.SSLContext, url: str) -> Components:
    """The parts of a process that sends mail by this server."""
    server = dataclasses.replace(SmtpServer.parse(url, starttls=True, own_name="echoic.example"), ssl_context=trusting)
    mails = AlertMails(components.database, components.search_index, components.engines.text_encoder)
    sender = sender_of("Echoic <echoic@example.org>")
    mailing = Mailing(components.database, server, sender=sender, base=BASE, writers=mails.writers())
    return dataclasses.replace(components, outbox=open_outbox(components, trusting, mailing))


async def check(components: Components) -> None:
    """Make all checks of alerts that are due."""
    checker = AlertChecker(components.database, components.search_index, components.engines.text_encoder)
    while await checker.check_due():
        pass


async def send(components: Components, *, all_due: bool = False) -> None:
    """Send what is due; with ``all_due`` also what waits for another attempt."""
    if all_due:
        async with components.database.transaction() as session:
            await session.execute(text("UPDATE outbox_deliveries SET due_at = now()"))
    await components.outbox.sender.send_due()


async def finish_run(components: Components, item_id: int, error: MediaUnreadable | None = None) -> None:
    """Let the last stage of an item's run end, as a worker does."""
    async with components.database.transaction() as session:
        run = await runs.newest_run(session, item_id)
        assert run is not None
        run.state, run.stage = "queued", components.runs.stages[-1]
        run.finished_at = None
        await session.flush()
        claimed = await components.runs.claim(session, run_id=run.id, stage=run.stage, worker="test")
        assert claimed is not None
        if error is not None:
            await components.runs.fail(session, claimed, error, seconds=1.0)
        else:
            await components.runs.complete(session, claimed, StageOutput(), seconds=1.0)
