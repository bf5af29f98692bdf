"""Workers in processes of their own, of whose stages a test can hold one, or have it fail."""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]


class HeldWorkers:
    """As many workers as a test starts, all with the same settings, which are told by files in one folder."""

    def __init__(
        self, folder: Path, environment: Mapping[str, str], workers: list[subprocess.Popen[bytes]] | None = None
    ) -> None:
        """``environment`` comes on top of that of the test, ``workers`` are some that live already."""
        self.folder = folder
        self._environment = environment
        self._workers = [] if workers is None else workers

    @property
    def is_held(self) -> bool:
        """Whether a stage was held since the last ``hold``."""
        return (self.folder / "held").exists()

    def hold(self, stage: str) -> None:
        """From now on the workers hold this stage after its work and before its commit."""
        for left in ("held", "release"):
            (self.folder / left).unlink(missing_ok=True)
        (self.folder / "hold").write_text(stage, encoding="utf-8")

    def hold_nothing_more(self) -> None:
        """No other run is held; the one that is held stays so."""
        (self.folder / "hold").unlink()

    def release(self) -> None:
        """Let go what is held, and hold nothing until the next ``hold``."""
        (self.folder / "release").touch()

    @contextmanager
    def failing(self, stage: str) -> Iterator[None]:
        """The workers fail this stage until the block ends."""
        (self.folder / "fail").write_text(stage, encoding="utf-8")
        try:
            yield
        finally:
            (self.folder / "fail").unlink()

    def living_worker(self) -> subprocess.Popen[bytes]:
        """The newest worker, or a new one where none lives; no other is left."""
        living = [worker for worker in self._workers if worker.poll() is None]
        for older in living[:-1]:
            older.kill()
            older.wait()
        return living[-1] if living else self.start_worker()

    def start_worker(self, *, hold: str | None = None) -> subprocess.Popen[bytes]:
        """Start a worker, which holds the stage."""
        if hold is not None:
            self.hold(hold)
        worker = subprocess.Popen(
            [sys.executable, "-m", "tests.acceptance.held_process", "worker"],
            cwd=REPOSITORY,
            env={**os.environ, "HOLD_FOLDER": str(self.folder), **self._environment},
        )
        self._workers.append(worker)
        return worker

    def close(self) -> None:
        """End all workers as kill -9 does."""
        for worker in self._workers:
            worker.kill()
            worker.wait()
