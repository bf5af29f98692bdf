"""kill -9 of a server that takes in a watched file, at each point between reading and moving it."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from echoic.compose import Components
from tests.api.uploading import AUDIO
from tests.api.watched.watcher import Watcher
from tests.waiting import wait_for


@pytest.mark.parametrize("point", ["before_commit", "after_commit", "after_move"])
async def test_a_server_killed_between_accepting_and_moving_neither_loses_nor_doubles(
    watcher: Watcher, components: Components, database_url: str, tmp_path: Path, point: str
) -> None:
    watcher.put("talk.flac", AUDIO)
    watcher.put("talk.flac.json", b'{"title": "A call"}')
    source_id = await watcher.watch()
    await watcher.look(source_id)
    held = tmp_path / "held"
    process = subprocess.Popen(  # noqa: ASYNC220 - it is waited for below
        [sys.executable, "-m", "tests.sources.held_watching", database_url, point, str(held)],
        env={
            **os.environ,
            "ECHOIC_DATA_DIR": str(components.settings.data_dir),
            "ECHOIC_WATCH_ROOTS": ",".join(components.settings.watch_roots),
        },
    )
    try:
        wait_for(held.exists, "the file is held")
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert len(await watcher.items()) == (0 if point == "before_commit" else 1)
    assert not await components.watch_work.takes.take_next(), "the lease of the killed one lasts"
    if point == "after_move":
        # Another recording with its name, size and time comes before anybody knows that the first was moved.
        watcher.put("talk.flac", AUDIO[:-1] + b"!")
    await watcher.pass_time()
    assert await watcher.take_all() == 1
    await watcher.look(source_id)
    assert await watcher.take_all() == (1 if point == "after_move" else 0)
    assert [item["title"] for item in await watcher.items()] == (["talk"] if point == "after_move" else []) + ["A call"]
    assert {"done/talk.flac", "done/talk.flac.json"} <= set(watcher.names())
    assert not (watcher.inbox / "talk.flac").exists()
