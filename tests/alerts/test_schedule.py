"""The moments of digests: one a day, through changes of clocks."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from echoic.alerts.schedule import next_moment, require_zone
from echoic.errors import SettingInvalid


@pytest.mark.parametrize("hour", [0, 2, 7, 23])
@pytest.mark.parametrize("name", ["UTC", "Europe/Berlin", "America/St_Johns", "Pacific/Apia"])
def test_each_day_of_a_year_has_one_moment(name: str, hour: int) -> None:
    zone = ZoneInfo(name)
    now, told_at, days = datetime(2026, 1, 1, 12, tzinfo=UTC), None, []
    for _ in range(365):
        now = told_at = next_moment(now, hour=hour, zone=zone, told_at=told_at)
        days.append(now.astimezone(zone).date())
    assert days == [days[0] + timedelta(days=count) for count in range(365)]


def test_a_later_hour_of_a_day_that_had_a_digest_is_passed_over() -> None:
    seven = datetime(2026, 5, 1, 7, tzinfo=UTC)
    assert next_moment(seven, hour=9, zone=ZoneInfo("UTC"), told_at=seven) == datetime(2026, 5, 2, 9, tzinfo=UTC)
    assert next_moment(seven, hour=9, zone=ZoneInfo("UTC"), told_at=None) == datetime(2026, 5, 1, 9, tzinfo=UTC)


def test_a_time_zone_that_is_not_there_is_named_at_the_start() -> None:
    for wrong in ("Mars/Olympus", "../etc/passwd", ""):
        with pytest.raises(SettingInvalid, match="ECHOIC_DIGEST_TIME_ZONE"):
            require_zone(wrong)
