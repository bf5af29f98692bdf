"""Mails of alerts. What they quote is searched for again when they are sent, with the rights that their account then has.

So a mail shows nothing that was deleted, corrected away, moved or redacted since.
"""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from echoic.alerts.matching import hits_in, is_same, span_of
from echoic.db.connect import Database
from echoic.db.outbox import alerts
from echoic.db.outbox.rights import ALERT, DIGEST
from echoic.errors import QueryInvalid
from echoic.logs import get_logger
from echoic.outbox.letters import Letter, Line
from echoic.outbox.mailing import Mail, Writer
from echoic.search.answer import Hit
from echoic.search.port import SearchIndex
from echoic.search.run import EncoderLease
from echoic.text.clock import clock

logger = get_logger(__name__)


class AlertMails:
    """Writes them."""

    def __init__(self, database: Database, index: SearchIndex, encoder: EncoderLease) -> None:
        self._database = database
        self._index = index
        self._encoder = encoder

    def writers(self) -> Mapping[str, Writer]:
        """Return the writers by types of messages."""
        return {ALERT: self.matched, DIGEST: self.digest}

    async def matched(self, mail: Mail) -> Letter | None:
        """Write the mail of an alert about one recording."""
        found = await self._still_found(mail, mail.data, mail.data)
        if not found:
            return None
        name = _name(mail.data)
        return Letter(
            subject=f"“{name}” in {found[0].item.title}",
            lines=(
                Line(text=f"Your alert “{name}” found something new", kind="heading"),
                *_lines(mail.base, mail.data, found),
                _search(mail.base, mail.data),
            ),
        )

    async def digest(self, mail: Mail) -> Letter | None:
        """Write the mail with the matches of a day."""
        lines: list[Line] = []
        names, count = [], 0
        for alert in mail.data["alerts"]:
            parts: list[Line] = []
            for item in alert["items"]:
                if found := await self._still_found(mail, alert, item):
                    parts.extend(_lines(mail.base, item, found))
                    count += 1
            if parts:
                names.append(_name(alert))
                lines += [Line(text=f"“{names[-1]}”", kind="heading"), *parts, _search(mail.base, alert)]
        if not names:
            return None
        left = mail.data["total_items"] - sum(len(alert["items"]) for alert in mail.data["alerts"])
        if left > 0:
            lines.append(Line(text="There are more recordings than this mail names."))
        more = f" and {len(names) - 1} more" if len(names) > 1 else ""
        recordings = "1 recording" if count == 1 else f"{count} recordings"
        return Letter(
            subject=f"Daily digest: “{names[0]}”{more}, {recordings}",
            lines=(Line(text="Your alerts of the last day", kind="heading"), *lines),
        )

    async def _still_found(self, mail: Mail, alert: Mapping[str, Any], item: Mapping[str, Any]) -> list[Hit]:
        """Return what the message told of an item, as far as it is still there for the account."""
        async with self._database.transaction() as session:
            wanted = await alerts.mailed_to(session, alert["alert_id"], mail.address.id)
        if not wanted:
            return []
        told = [
            (-1.0, -1.0) if one["field"] != "transcription" else (one["start"], one["end"]) for one in item["matches"]
        ]
        try:
            hits = await hits_in(
                item["item_id"],
                account_id=mail.claimed.account_id,
                query=alert["search_term"],
                filters={},
                index=self._index,
                encoder=self._encoder,
            )
        except QueryInvalid as error:
            logger.warning("alert_query_invalid", alert=alert["alert_id"], reason=error.message)
            return []
        return [hit for hit in hits if any(is_same(span_of(hit), span) for span in told)]


def _name(alert: Mapping[str, Any]) -> str:
    return str(alert["name"] or alert["search_term"])


def _lines(base: str, item: Mapping[str, Any], found: Sequence[Hit]) -> list[Line]:
    page = f"{base}/items/{item['item_id']}"
    lines = [Line(text=found[0].item.title, url=page)]
    for hit in found:
        if hit.segment_id is None:
            lines.append(Line(text=hit.text, kind="quote"))
            continue
        speaker = f"{hit.speaker}: " if hit.speaker else ""
        lines.append(Line(text=f"{clock(hit.start)} {speaker}{hit.text}", kind="quote", url=f"{page}?t={hit.start:g}"))
    more = item["total_matches"] - len(item["matches"])
    if more > 0:
        lines.append(Line(text=f"and {more} more", kind="small", url=page))
    return lines


def _search(base: str, alert: Mapping[str, Any]) -> Line:
    return Line(text="Search for it everywhere", kind="small", url=f"{base}/search?q={quote(alert['search_term'])}")
