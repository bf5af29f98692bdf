"""Names for the sets of values that stand in several places, so that a generated client has one type for each."""

from collections.abc import Mapping
from typing import Any, get_args

from echoic.api.chapters import ChaptersFormat
from echoic.api.datasets import ContentType
from echoic.api.health import PartState
from echoic.api.keys import Scope
from echoic.api.policies import DetectedKind, Role
from echoic.api.speakers import How
from echoic.api.tus import VERSION
from echoic.api.uploads import Treatment
from echoic.api.webhooks import WebhookState
from echoic.db.catalog.libraries import Visibility
from echoic.db.items.items import ItemOrder, ItemStatus
from echoic.db.outbox.alerts import Frequency
from echoic.db.outbox.deliveries import DeliveryState
from echoic.db.outbox.email_addresses import EmailState
from echoic.db.outbox.webhooks import DisabledReason, EventType
from echoic.db.receipts.receipts import Reason, Removed
from echoic.db.sharing.shares import ShareState
from echoic.db.sources.published import PublishedKind, PublishedState
from echoic.db.sources.watched import WhenDone
from echoic.db.sources.watched_files import FileState
from echoic.db.subjects.trending import Kind as TrendKind
from echoic.formats import FormatName
from echoic.formats.doubt import Doubtful
from echoic.formats.options import TurnSource
from echoic.intake.run_options import LANGUAGES
from echoic.oauth.scopes import ProgramScope
from echoic.reading.item_states import ShownStatus
from echoic.records import EntityType, PublishedForm, Quality, Tier
from echoic.search.answer import Field
from echoic.search.question import SearchType

ENUMS: Mapping[str, tuple[Any, ...]] = {
    "ChaptersFormat": get_args(ChaptersFormat),
    "DatasetContent": get_args(ContentType),
    "DeletedPart": get_args(Removed),
    "DeletionReason": get_args(Reason),
    "DeliveryState": get_args(DeliveryState),
    "DisabledReason": get_args(DisabledReason),
    "DoubtfulText": get_args(Doubtful),
    "EmailState": get_args(EmailState),
    "EntityType": get_args(EntityType),
    "EventType": get_args(EventType),
    "Frequency": get_args(Frequency),
    "HowNamed": get_args(How),
    "ItemOrder": get_args(ItemOrder),
    "ItemStatus": get_args(ShownStatus),
    "ItemStatusFilter": get_args(ItemStatus),
    "Language": tuple(LANGUAGES),
    "OnDuplicate": get_args(Treatment),
    "PartState": get_args(PartState),
    "ProgramScope": get_args(ProgramScope),
    "PublishedForm": get_args(PublishedForm),
    "PublishedKind": get_args(PublishedKind),
    "PublishedState": get_args(PublishedState),
    "RedactedKind": get_args(DetectedKind),
    "Role": get_args(Role),
    "Scope": get_args(Scope),
    "SearchType": get_args(SearchType),
    "SearchedField": get_args(Field),
    "SegmentQuality": get_args(Quality),
    "ShareState": get_args(ShareState),
    "Tier": get_args(Tier),
    "TranscriptFormat": get_args(FormatName),
    "TusVersion": (VERSION,),
    "TrendKind": get_args(TrendKind),
    "TurnSource": get_args(TurnSource),
    "Visibility": get_args(Visibility),
    "WatchedFileState": get_args(FileState),
    "WebhookState": get_args(WebhookState),
    "WhenDone": get_args(WhenDone),
}
