"""What a child process that computes is given."""

import pytest

from echoic.processes import computing_environment

THRESHOLD = "glibc.malloc.trim_threshold=131072"


def test_what_somebody_tunes_himself_comes_last_and_so_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GLIBC_TUNABLES", THRESHOLD)
    assert computing_environment()["GLIBC_TUNABLES"].split(":")[-1] == THRESHOLD
    monkeypatch.delenv("GLIBC_TUNABLES")
    assert computing_environment() == {"GLIBC_TUNABLES": "glibc.malloc.hugetlb=1"}
