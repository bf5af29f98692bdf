"""What ``echoic serve`` checks before it listens."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from echoic.accounts.callers import by_key
from echoic.compose import open_components
from echoic.db.accounts import accounts
from echoic.db.items.items import Item, get_blob
from echoic.engines.models.whisper import require_known
from echoic.errors import SettingInvalid, StartupFailed
from echoic.plans import Plan, Plans
from echoic.server.first_start import ensure_first_start, kept_key
from echoic.server.own_address import own_address
from echoic.server.patience import Patience
from echoic.server.serve import _begin, _Begun, _listen, _require_known_plans, _unless, run_server
from echoic.server.worker import _require_audio
from echoic.settings import Settings
from tests.cli.conftest import run
from tests.decoders import NO_LIBRARY, other_library
from tests.factories import World


async def test_a_plan_that_an_account_has_and_the_file_lacks_stops_the_start(database_url: str, tmp_path: Path) -> None:
    settings = Settings(_env_file=None, data_dir=tmp_path)
    async with open_components(settings, database_url) as components:
        world = World(components.database)
        await world.tenant(plan="free")
        await _require_known_plans(components)
        await world.tenant(plan="gold")
        with pytest.raises(SettingInvalid) as refused:
            await _require_known_plans(components)
    for named in ("not there: gold.", "plans are free, unlimited;", "ECHOIC_PLANS_FILE", "echoic accounts plan"):
        assert named in refused.value.message
    async with open_components(settings, database_url, plans=Plans(Plan(name="gold"))) as components:
        await _require_known_plans(components)


async def test_a_start_whose_database_is_lost_when_it_commits_goes_on_with_a_key_that_works(
    database_url: str, as_owner: Callable[..., None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = Settings(_env_file=None, data_dir=tmp_path)
    losses, create_key = ["the only one"], accounts.create_key

    async def lose(*given: Any, **named: Any) -> Any:
        made = await create_key(*given, **named)
        if losses:
            losses.pop()
            as_owner(
                "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        return made

    async with open_components(settings, database_url) as components:
        await ensure_first_start(components)
        settings.api_key_file.unlink()
        monkeypatch.setattr(accounts, "create_key", lose)
        begun = await _begin(components, Patience(database_url, seconds=60), "127.0.0.1", 8080)
        assert not losses
        assert begun.key is not None
        assert begun.key == kept_key(settings.api_key_file)
        assert (await by_key(begun.key, components.database)).caller.is_admin


async def test_a_start_that_waits_ends_when_it_is_asked_to_stop() -> None:
    stop = asyncio.Event()

    async def wait() -> _Begun:
        stop.set()
        return await asyncio.Future[_Begun]()

    assert await _unless(stop, wait()) is None


def test_it_listens_on_addresses_of_both_families() -> None:
    for host, shown in (("127.0.0.1", "http://127.0.0.1:"), ("::1", "http://[::1]:")):
        with _listen(Settings(_env_file=None, host=host, port=0)) as listener:
            address, port = listener.getsockname()[:2]
            assert own_address(address, port) == f"{shown}{port}"


def test_who_cannot_listen_is_told_what_to_change() -> None:
    with _listen(Settings(_env_file=None, port=0)) as listener:
        port = listener.getsockname()[1]
        for host, told in (("127.0.0.1", "in use. Stop what listens there"), ("192.0.2.1", "address. Set ECHOIC_HOST")):
            with pytest.raises(StartupFailed, match=told):
                _listen(Settings(_env_file=None, host=host, port=port))


async def test_a_language_that_no_engine_knows_stops_the_start(database_url: str, tmp_path: Path) -> None:
    with pytest.raises(SettingInvalid, match=r"^ECHOIC_LANGUAGE must be .* de, el, en, es,"):
        async with open_components(Settings(_env_file=None, data_dir=tmp_path, language="xx"), database_url):
            pass
    async with open_components(Settings(_env_file=None, data_dir=tmp_path, language="de"), database_url):
        pass


def test_what_is_no_origin_stops_the_start_before_anything_is_begun(tmp_path: Path) -> None:
    settings = Settings(_env_file=None, data_dir=tmp_path / "none", port=0, cors_origins=("app.example.org",))
    with pytest.raises(SettingInvalid, match=r"^ECHOIC_CORS_ORIGINS: 'app.example.org' is no origin"):
        run_server(settings, with_worker=False, on_listening=lambda *_, **__: None)
    assert not settings.data_dir.exists()


@pytest.mark.parametrize("command", ["serve", "worker"])
@pytest.mark.parametrize(
    ("variables", "told"),
    [
        (
            {"ECHOIC_TRANSCRIBER_MODEL": "bsae"},
            "ECHOIC_TRANSCRIBER_MODEL: There is no transcriber model named 'bsae'; choose one of: tiny.en,",
        ),
        ({"ECHOIC_TRANSCRIBER_MODEL": "/nowhere"}, "The folder set as transcriber model holds no converted"),
        (
            {"ECHOIC_TRANSCRIBERS_OFFERED": "faster-whisper/smal"},
            "ECHOIC_TRANSCRIBERS_OFFERED: There is no transcriber",
        ),
    ],
)
def test_a_model_that_nobody_has_stops_the_start(
    command: str, variables: dict[str, str], told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data_dir = tmp_path / "data"
    for name, value in {"ECHOIC_TRANSCRIBER": "faster-whisper", "ECHOIC_DATA_DIR": str(data_dir), **variables}.items():
        monkeypatch.setenv(name, value)
    ended = run(command)
    assert told in ended.stderr
    assert ended.exit_code == 1
    assert not data_dir.exists()


def test_models_that_somebody_has_stop_no_start(tmp_path: Path) -> None:
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "model.bin").touch()
    for name in ("base", "large-v3", "someone/whisper-of-theirs", str(tmp_path / "own")):
        require_known(Settings(_env_file=None, transcriber="faster-whisper", transcriber_model=name))
    require_known(Settings(_env_file=None, transcriber="faster-whisper", transcriber_model="own", models_dir=tmp_path))
    require_known(Settings(_env_file=None, transcriber="fake", transcriber_model="bsae"))


async def test_a_worker_whose_storage_is_not_the_server_s_does_not_start(database_url: str, tmp_path: Path) -> None:
    """Where nothing was uploaded, and where some of the newest recordings are lost, nothing speaks against it."""
    settings = Settings(_env_file=None, data_dir=tmp_path)
    await _require_audio(settings, database_url)
    async with open_components(settings, database_url) as components:
        world = World(components.database)
        tenant = await world.tenant()
        items = [await world.item(tenant.dataset_id) for _ in range(4)]
        with pytest.raises(StartupFailed, match=f"are not in the folder {settings.blobs_dir}. Give a worker"):
            await _require_audio(settings, database_url)
        async with world.database.transaction() as session:
            blob = await get_blob(session, (await session.get_one(Item, items[1])).audio_blob_id)
            assert blob is not None
            kept = settings.blobs_dir / blob.key
    kept.parent.mkdir(parents=True)
    kept.touch()
    await _require_audio(settings, database_url)


@pytest.mark.processes
@pytest.mark.parametrize("command", ["serve", "worker"])
def test_a_decoder_that_cannot_start_ends_the_start_with_its_cause(command: str, tmp_path: Path) -> None:
    data_dir = tmp_path / "data"
    ended = subprocess.run(
        [sys.executable, "-m", "echoic", command],
        env={
            **os.environ,
            "PYTHONPATH": str(other_library(tmp_path / "library", NO_LIBRARY)),
            "ECHOIC_DATA_DIR": str(data_dir),
            "ECHOIC_PORT": "0",
        },
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    cause = "The decoder did not start: ImportError: libavformat.so.62: cannot open shared object file"
    assert ended.stderr == f"echoic: Recordings cannot be decoded on this machine: {cause}\n"
    assert (ended.returncode, ended.stdout) == (1, "")
    assert not data_dir.exists()
