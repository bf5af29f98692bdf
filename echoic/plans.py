"""Plans: what an account may do. Built in are two; an operator's file adds others and changes the first. Pure."""

import math
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from echoic.errors import PlanUnknown, QuotaExhausted, SettingInvalid, StorageExhausted
from echoic.units import MB
from echoic.wording import counted

UNLIMITED = "unlimited"
"""The plan of the installation's first account, and in a plans file the word for no limit."""

MAX_FIGURE = 1_000_000_000

# The limits of a plan by the names they have everywhere, each with the smallest figure that makes sense.
_SMALLEST = {
    "max_file_mb": 1,
    "monthly_minutes": 0,
    "stored_mb": 0,
    "stored_items": 0,
    "api_keys": 0,
    "requests_per_minute": 1,
}
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """The limits of one plan; None is no limit."""

    name: str
    max_file_mb: int | None = None
    """Largest file, in MB of 1,048,576 bytes; a dataset may set a smaller one."""
    monthly_minutes: int | None = None
    """Minutes of audio transcribed in a calendar month, UTC."""
    stored_mb: int | None = None
    """Recordings that are kept, together, in MB of 1,048,576 bytes."""
    stored_items: int | None = None
    """Recordings that are kept, by number."""
    api_keys: int | None = None
    """Keys that work at the same time."""
    requests_per_minute: int | None = None

    def max_upload_bytes(self, *, dataset_max_mb: int) -> int:
        """Return the cap on one file: the smaller one of the dataset's and the plan's."""
        return MB * (dataset_max_mb if self.max_file_mb is None else min(dataset_max_mb, self.max_file_mb))

    def left_seconds(self, *, taken_seconds: float) -> float | None:
        """Return the minutes left in a month of which so many are used or reserved; None without a limit."""
        if self.monthly_minutes is None:
            return None
        # To the millisecond, so that sums of floats cannot refuse a file that fits exactly.
        return max(0.0, round(60.0 * self.monthly_minutes - taken_seconds, 3))

    def require_minutes(self, *, taken_seconds: float, wanted_seconds: float = 0.0) -> None:
        """Raise QuotaExhausted where nothing is left of the month, or less than is wanted."""
        left = self.left_seconds(taken_seconds=taken_seconds)
        if left is None:
            return
        whole = f"the {counted(self.monthly_minutes or 0, 'minute')} that the plan '{self.name}' has for a month (UTC)"
        if left <= 0:
            raise QuotaExhausted(f"Nothing is left of {whole}.")
        if wanted_seconds > left:
            # Rounded away from each other, so that the figures never look equal.
            wanted, rest = math.ceil(wanted_seconds / 0.6) / 100, math.floor(left / 0.6) / 100
            raise QuotaExhausted(f"The recording takes {wanted:.2f} minutes, but {rest:.2f} are left of {whole}.")

    @property
    def limits_storage(self) -> bool:
        """Return whether the plan limits the recordings that are kept."""
        return self.stored_mb is not None or self.stored_items is not None

    def require_room(self, *, stored_bytes: int, stored_items: int) -> None:
        """Raise StorageExhausted where this would be more than may be kept."""
        if self.stored_items is not None and stored_items > self.stored_items:
            raise StorageExhausted(
                f"The plan '{self.name}' keeps {counted(self.stored_items, 'recording')}, uploads under way included, and the "
                "account has as many; delete some to make room."
            )
        if self.stored_mb is not None and stored_bytes > MB * self.stored_mb:
            over = stored_bytes - MB * self.stored_mb
            raise StorageExhausted(
                f"With this recording the account would keep {counted(over, 'byte')} more than the {self.stored_mb:,} MB "
                f"that the plan '{self.name}' has, uploads under way included; delete some to make room."
            )


# Two keys, so that one can be replaced by the next without a moment in which neither works.
FREE = Plan(
    name="free",
    max_file_mb=200,
    monthly_minutes=300,
    stored_mb=50 * 1024,
    stored_items=10_000,
    api_keys=2,
    requests_per_minute=120,
)


class Plans:
    """The plans of an installation by name."""

    def __init__(self, *more: Plan) -> None:
        self._plans = {plan.name: plan for plan in (FREE, *more, Plan(name=UNLIMITED))}

    def __iter__(self) -> Iterator[Plan]:
        return iter(self._plans.values())

    def __contains__(self, name: str) -> bool:
        return name in self._plans

    def __getitem__(self, name: str) -> Plan:
        """Return one plan; raises PlanUnknown."""
        if name not in self._plans:
            raise PlanUnknown(f"There is no plan '{name}'; the plans are {', '.join(sorted(self._plans))}.")
        return self._plans[name]

    @classmethod
    def parse(cls, text: str, *, source: str) -> "Plans":
        """Return the built-in plans and those of a plans file: a TOML table for each plan, see docs/plans.md.

        Raises:
            SettingInvalid: names what is wrong in the file ``source``, and what is allowed there.
        """
        try:
            tables = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise SettingInvalid(f"The plans file {source} is not valid TOML: {error}.") from error
        try:
            return cls(*(_parse_plan(name, table) for name, table in tables.items()))
        except _Wrong as error:
            raise SettingInvalid(f"The plans file {source}: {error}.") from error


class _Wrong(Exception):
    """A fault of a plans file, raised before the path of the file is known."""


def _parse_plan(name: str, table: object) -> Plan:
    if name == UNLIMITED:
        raise _Wrong(f"[{UNLIMITED}] cannot be changed; give accounts another plan instead")
    if not isinstance(table, dict):
        raise _Wrong(f"{name!r} stands outside a plan; allowed are tables such as [pro]")
    if not _NAME.fullmatch(name):
        raise _Wrong(f"[{name}] is no name for a plan; allowed are up to 64 of a-z, 0-9, '_' and '-'")
    limits: Mapping[str, Any] = {key: _parse_limit(name, key, value) for key, value in table.items()}
    # A built-in plan keeps what the file leaves out; a new one is unlimited there.
    return replace(FREE if name == FREE.name else Plan(name=name), **limits)


def _parse_limit(name: str, key: str, value: object) -> int | None:
    if key not in _SMALLEST:
        raise _Wrong(f"[{name}] has no {key!r}; allowed are {', '.join(_SMALLEST)}")
    if value == UNLIMITED:
        return None
    smallest = _SMALLEST[key]
    if isinstance(value, bool) or not isinstance(value, int) or not smallest <= value <= MAX_FIGURE:
        allowed = f'whole numbers from {smallest} to {MAX_FIGURE}, or "{UNLIMITED}"'
        raise _Wrong(f"[{name}] {key} = {value!r} is not possible; allowed are {allowed}")
    return value
