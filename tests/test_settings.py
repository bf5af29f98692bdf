"""What is said to somebody whose settings are wrong."""

from pathlib import Path

import pytest

from echoic.cli import start
from echoic.errors import SettingInvalid
from echoic.processes import PARENT_VARIABLE
from echoic.settings import read_settings
from tests.cli.conftest import run

WRONG = {
    "ECHOIC_PORT": ("abc", "whole number"),
    "ECHOIC_LOG_FORMAT": ("xml", "'console' or 'json'"),
    "ECHOIC_WORKER_QUEUES": ("cpu,tpu", "'cpu' or 'gpu'"),
    "ECHOIC_WORKER_CONCURRENCY": ("65", "at most 64"),
    "ECHOIC_UPLOAD_EXPIRES_HOURS": ("inf", "finite"),
    "ECHOIC_PUBLIC_URL": ("example.org", "must begin with http:// or https://"),
    "ECHOIC_LANGUAGE": ("english", "ISO 639 code"),
    "ECHOIC_UPLOAD_DEFAULT_MAX_MB": ("102401", "at most 102,400"),
}
"""The variable, a value that it cannot have, and what is said to be allowed."""


def test_every_wrong_variable_is_named_with_what_it_may_be(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable, (value, _) in WRONG.items():
        monkeypatch.setenv(variable, value)
    with pytest.raises(SettingInvalid) as refused:
        read_settings()
    for variable, (_, allowed) in WRONG.items():
        [told] = [part for part in refused.value.message.split("ECHOIC_") if f"ECHOIC_{part}".startswith(variable)]
        assert allowed in told


@pytest.mark.parametrize(
    ("variable", "value", "told"),
    [
        ("ECHOIC_WORKER_QUEUES", ",", "ECHOIC_WORKER_QUEUES: must not be empty"),
        ("ECHOIC_WORKER_HEARTBEAT_SECONDS", "30", "ECHOIC_WORKER_STALLED_SECONDS must be more than"),
    ],
)
def test_a_worker_that_would_do_nothing_or_be_taken_for_dead_is_refused(
    variable: str, value: str, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(SettingInvalid, match=told):
        read_settings()


@pytest.mark.parametrize("verb", [("serve",), ("models", "list"), ("items", "list"), ("accounts", "list")])
def test_a_verb_says_in_one_line_which_setting_is_wrong(verb: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ECHOIC_PORT", "99999")
    result = run(*verb)
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == "echoic: ECHOIC_PORT: must be at most 65,535.\n"


def test_a_variable_that_is_no_setting_is_told_with_the_one_it_resembles(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / ".env").write_text("ECHOIC_SERACH_URL=https://localhost:9200\nECHOIC_LANGUAGE=de\nOTHER=1\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ECHOIC_SOMETHING_QUITE_DIFFERENT", "secret")
    monkeypatch.setenv("ECHOIC_API_KEY", "secret")
    monkeypatch.setenv("ECHOIC_SERVER", "http://localhost:1")
    start.read_settings()
    told = [line for line in capsys.readouterr().err.splitlines() if "setting_unknown" in line]
    assert len(told) == 2
    assert told[0].endswith("perhaps=ECHOIC_SEARCH_URL variable=ECHOIC_SERACH_URL")
    assert told[1].endswith(" variable=ECHOIC_SOMETHING_QUITE_DIFFERENT")


@pytest.mark.parametrize("misspelt", ["DATABSE_URL", "DATABASE_URI"])
def test_a_misspelt_address_of_the_database_is_told(
    misspelt: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("ECHOIC_DATABASE_URL", raising=False)
    monkeypatch.delenv("DATABASE_URL", raising=False)
    monkeypatch.setenv(misspelt, "postgresql://somewhere/echoic")
    monkeypatch.setenv("TEST_DATABASE_URL", "postgresql://elsewhere/other")
    start.read_settings()
    [told] = [line for line in capsys.readouterr().err.splitlines() if "setting_unknown" in line]
    assert told.endswith(f"perhaps=DATABASE_URL variable={misspelt}")
    monkeypatch.setenv("DATABASE_URL", "postgresql://somewhere/echoic")
    start.read_settings()
    assert "setting_unknown" not in capsys.readouterr().err


def test_a_child_process_does_not_repeat_what_its_parent_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ECHOIC_SERACH_URL", "https://localhost:9200")
    monkeypatch.setenv(PARENT_VARIABLE, "1")
    start.read_settings()
    assert capsys.readouterr().err == ""


def test_a_file_env_that_cannot_be_read_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".env").write_bytes(b"ECHOIC_PORT=\xff\n")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SettingInvalid, match=r"file \.env in the working directory cannot be read"):
        read_settings()
