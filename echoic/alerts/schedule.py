"""The moments of daily digests: one a day, at an hour of a time zone. Pure."""

import zoneinfo
from datetime import UTC, datetime, time, timedelta

from echoic.errors import FieldInvalid, SettingInvalid


def zone_of(name: str) -> zoneinfo.ZoneInfo:
    """Return a time zone by its IANA name. Raises FieldInvalid."""
    try:
        return zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise FieldInvalid(
            "'time_zone' is no time zone of this server; give an IANA name, as 'UTC' or 'Europe/Berlin'."
        ) from error


def require_zone(name: str) -> None:
    """Raise SettingInvalid where the settings name a time zone that is not there."""
    try:
        zone_of(name)
    except FieldInvalid as error:
        raise SettingInvalid(
            f"ECHOIC_DIGEST_TIME_ZONE: there is no time zone {name!r} on this machine; give an IANA name, as "
            "'Europe/Berlin', and install the system's time zones (Debian: tzdata)."
        ) from error


def next_moment(now: datetime, *, hour: int, zone: zoneinfo.ZoneInfo, told_at: datetime | None) -> datetime:
    """Return the next time at which it is that hour there, on a day on which no digest was told yet, in UTC.

    An hour that a change of clocks leaves out or repeats comes once.
    """
    told_on = None if told_at is None else told_at.astimezone(zone).date()
    day = now.astimezone(zone).date()
    while True:
        moment = datetime.combine(day, time(hour), tzinfo=zone).astimezone(UTC)
        if moment > now and (told_on is None or day > told_on):
            return moment
        day += timedelta(days=1)
