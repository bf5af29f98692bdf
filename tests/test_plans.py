"""Plans: what is built in, what an operator's file makes of it, and what a wrong file is told."""

import pytest

from echoic.errors import PlanUnknown, QuotaExhausted, SettingInvalid, StorageExhausted
from echoic.plans import FREE, Plan, Plans
from echoic.units import MB


def parse(text: str) -> Plans:
    return Plans.parse(text, source="plans.toml")


def test_built_in_are_a_small_plan_and_one_without_limits() -> None:
    assert list(Plans()) == [FREE, Plan(name="unlimited")]
    assert Plans()["free"].max_file_mb == 200


@pytest.mark.parametrize(
    ("plan_mb", "dataset_mb", "expected_mb"), [(200, 500, 200), (200, 50, 50), (None, 500, 500), (1000, 500, 500)]
)
def test_the_smaller_cap_counts(plan_mb: int | None, dataset_mb: int, expected_mb: int) -> None:
    plan = Plan(name="pro", max_file_mb=plan_mb)
    assert plan.max_upload_bytes(dataset_max_mb=dataset_mb) == expected_mb * MB


def test_a_file_adds_plans_and_what_it_leaves_out_of_them_is_unlimited() -> None:
    plans = parse('[pro]\nmonthly_minutes = 3000\napi_keys = "unlimited"\n[small-team_2]\nrequests_per_minute = 5\n')
    assert plans["pro"] == Plan(name="pro", monthly_minutes=3000)
    assert plans["small-team_2"] == Plan(name="small-team_2", requests_per_minute=5)
    assert plans["free"] == FREE


def test_a_file_changes_the_free_plan_and_what_it_leaves_out_stays() -> None:
    plans = parse('[free]\nmonthly_minutes = 0\nrequests_per_minute = "unlimited"\n')
    assert plans["free"] == Plan(
        name="free",
        max_file_mb=200,
        monthly_minutes=0,
        stored_mb=FREE.stored_mb,
        stored_items=FREE.stored_items,
        api_keys=FREE.api_keys,
    )


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("[pro\n", ("not valid TOML", "line 1")),
        ("[pro]\nminutes = 5", ("[pro] has no 'minutes'", "max_file_mb, monthly_minutes, stored_mb, stored_items")),
        ("[pro]\nmonthly_minutes = -1", ("[pro] monthly_minutes = -1", "whole numbers from 0 to", '"unlimited"')),
        ("[pro]\nmax_file_mb = 0", ("[pro] max_file_mb = 0", "whole numbers from 1 to")),
        ("[pro]\nmax_file_mb = 0.5", ("[pro] max_file_mb = 0.5", "whole numbers")),
        ("[pro]\napi_keys = true", ("[pro] api_keys = True", "whole numbers")),
        ('[pro]\napi_keys = "none"', ("[pro] api_keys = 'none'", '"unlimited"')),
        ("[pro]\nrequests_per_minute = 1000000001", ("requests_per_minute = 1000000001", "to 1000000000")),
        ("[pro]\nmonthly_minutes = {}", ("[pro] monthly_minutes = {}", "whole numbers")),
        ("monthly_minutes = 5", ("'monthly_minutes' stands outside a plan", "[pro]")),
        ('["Pro plan"]\n', ("[Pro plan] is no name for a plan", "a-z")),
        ("[unlimited]\nmonthly_minutes = 5", ("[unlimited] cannot be changed",)),
    ],
)
def test_a_wrong_file_is_refused_with_what_is_allowed(text: str, named: tuple[str, ...]) -> None:
    with pytest.raises(SettingInvalid) as refused:
        parse(text)
    for part in ("plans.toml", *named):
        assert part in refused.value.message


def test_a_plan_that_nobody_knows_is_refused_with_those_there_are() -> None:
    plans = parse("[pro]")
    with pytest.raises(PlanUnknown) as refused:
        plans["gold"]
    assert refused.value.message == "There is no plan 'gold'; the plans are free, pro, unlimited."


@pytest.mark.parametrize(
    ("minutes", "figure"), [(1, "the 1 minute that"), (2, "the 2 minutes"), (3000, "the 3,000 minutes")]
)
def test_one_is_not_said_in_the_plural(minutes: int, figure: str) -> None:
    with pytest.raises(QuotaExhausted, match=figure):
        Plan(name="pro", monthly_minutes=minutes).require_minutes(taken_seconds=60.0 * minutes)
    with pytest.raises(StorageExhausted, match="keeps 1 recording, uploads"):
        Plan(name="pro", stored_items=1).require_room(stored_bytes=0, stored_items=2)
