"""Where address and key come from, and how a command that cannot go on ends."""

import socket
from pathlib import Path

import pytest

from echoic.cli.connection import config_file, find_access
from echoic.testing.private_server import PrivateServer
from tests.cli.conftest import Run, run


def write_config(text: str) -> Path:
    path = config_file()
    path.parent.mkdir(parents=True)
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.usefixtures("no_access")
def test_environment_wins_over_config_file_over_own_installation(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "api-key").write_text("ek_own\n", encoding="utf-8")
    monkeypatch.setenv("ECHOIC_PORT", "8282")
    assert find_access(None).server == "http://127.0.0.1:8282"
    (tmp_path / "data" / "address").write_text("http://127.0.0.1:9999\n", encoding="utf-8")
    assert find_access(None).server == "http://127.0.0.1:9999"
    assert find_access(None).api_key == "ek_own"
    write_config('server = "https://file.example/"\napi_key = "ek_file"\n')
    assert find_access(None).server == "https://file.example"
    assert find_access(None).api_key == "ek_file"
    monkeypatch.setenv("ECHOIC_SERVER", "https://environment.example")
    monkeypatch.setenv("ECHOIC_API_KEY", "ek_environment")
    assert find_access(None).server == "https://environment.example"
    assert find_access(None).api_key == "ek_environment"
    assert find_access("http://option.example").server == "http://option.example"


@pytest.mark.processes
@pytest.mark.usefixtures("no_access")
def test_the_data_folder_of_a_running_server_is_enough(server: PrivateServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ECHOIC_DATA_DIR", str(server.data_dir))
    assert find_access(None).server == str(server.client.base_url).rstrip("/")
    listed = run("items", "list", "--json")  # other tests upload to this server: a table may say that there are more
    assert (listed.exit_code, listed.stderr) == (0, "")
    assert run("health").exit_code == 0


@pytest.mark.usefixtures("no_access")
@pytest.mark.parametrize(
    ("config", "told"),
    [
        ("server = ", "Cannot read"),
        ('url = "http://x"\n', "'url' is not known; allowed are server and api_key"),
        ("api_key = 5\n", "values must be text"),
        ('api_key = "ek"\nserver = "example.org"\n', "must begin with http:// or https://"),
        ('api_key = "ek"\nserver = "https://me:pw@example.org"\n', "must hold no user and password"),
    ],
)
def test_a_broken_config_file_is_named_in_one_line(config: str, told: str) -> None:
    write_config(config)
    result = run("items", "list")
    assert (result.exit_code, result.stdout) == (1, "")
    assert told in result.stderr
    assert result.stderr.count("\n") == 1


@pytest.mark.usefixtures("no_access")
def test_without_a_key_one_is_told_where_to_put_it() -> None:
    result = run("items", "list")
    assert result.exit_code == 4
    assert "ECHOIC_API_KEY" in result.stderr
    assert str(config_file()) in result.stderr


@pytest.mark.usefixtures("no_access")
@pytest.mark.parametrize("key", ["ek_…", "ek_a\nb"])
def test_what_no_header_can_hold_is_no_key(key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ECHOIC_API_KEY", key)
    result = run("items", "list")
    assert (result.exit_code, result.stderr) == (4, "echoic: The API key holds characters that no key has.\n")


@pytest.mark.usefixtures("no_access")
@pytest.mark.parametrize(
    "url",
    [
        "postgresql://echoic:secret@hush@localhost:1/name",
        "postgresql://echoic:secret/hush@localhost:1/name",
        "postgresql://echoic:secret@localhost:hush/name",
        "mysql://echoic:hush@localhost/name",
        "host=localhost password=hush",
    ],
)
def test_a_database_url_that_is_none_is_refused_without_a_word_of_it(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", url)
    result = run("accounts", "list")
    assert result.exit_code == 1
    assert (
        "echoic: DATABASE_URL (or ECHOIC_DATABASE_URL) is no URL such as postgresql://user:password@host/name"
        in result.stderr
    )
    assert "hush" not in result.output
    assert "secret" not in result.output


def test_each_way_to_fail_has_its_exit_code(echoic: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    assert echoic("items", "show", "999999").exit_code == 5
    assert echoic("items", "show", "x").exit_code == 2
    refused = echoic("items", "cancel", "999999")
    assert (refused.exit_code, refused.stderr) == (5, "echoic: Item not found. (item_not_found)\n")
    monkeypatch.setenv("ECHOIC_API_KEY", "ek_wrong")
    assert echoic("items", "list").exit_code == 4
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    away = echoic("items", "list", "--server", f"http://127.0.0.1:{port}")
    assert away.exit_code == 3
    assert away.stderr.startswith(f"echoic: Cannot reach http://127.0.0.1:{port}: ")
