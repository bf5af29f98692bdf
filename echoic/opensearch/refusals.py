"""The sentences about items of which OpenSearch lacks a part, for those who look after the installation. Pure."""

from echoic.db.search.refused_items import Refusals
from echoic.errors import SearchCopyHeldBack, SearchItemsRefused
from echoic.wording import counted


def error_of(refusals: Refusals) -> SearchItemsRefused | SearchCopyHeldBack | None:
    """Return the error that names the first of the items, and why they are refused; None where there are none."""
    if not refusals.number:
        return None
    named = ", ".join(f"item {one.item_id} ({one.reason})" for one in refusals.first)
    more = refusals.number - len(refusals.first)
    named += f" and {more} more" if more else ""
    if not refusals.held_back:
        return SearchItemsRefused(f"OpenSearch lacks a part of {named}: searches do not find what is said there.")
    return SearchCopyHeldBack(
        f"A new index in OpenSearch is not put to use, since it lacks a part of {refusals.number} of "
        f"{counted(refusals.published, 'item')}: {named}. Mend the cause, then run 'echoic reindex --all'."
    )
