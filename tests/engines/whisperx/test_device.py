"""One run at a time on a device."""

import threading
from pathlib import Path

from echoic.engines.whisperx.device import held
from echoic.settings import Settings


def test_a_device_is_held_by_one_at_a_time_and_another_device_is_free(tmp_path: Path) -> None:
    settings = Settings(_env_file=None, data_dir=tmp_path)
    got = threading.Event()

    def wait_for_it() -> None:
        with held(settings):
            got.set()

    waiting = threading.Thread(target=wait_for_it)
    with held(settings):
        waiting.start()
        with held(settings.model_copy(update={"gpu_index": 1})):
            assert not got.wait(0.2)
    assert got.wait(10)
    waiting.join(10)
