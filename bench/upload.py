"""How fast an upload is, and what it costs the server in memory and the others in speed; all on this machine.

    python -m bench.upload [--megabytes 400] [--rounds 5] [--large 1024] [--folder DIR]

Paired rounds of three servers, each a process of its own: one on the same server software that only writes the raw body
and syncs it; Echoic's route, which parses, hashes, syncs, probes and commits; and the framework's own way of taking a
file, with and without the sync. The framework's needs python-multipart, which cannot be installed beside the library
that Echoic parses with; it is fetched into a temporary folder unless ``--python-multipart`` names one.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from bench.plain_servers import PlainServer
from bench.sender import Answer, post_form, put_raw, wav_head
from bench.slow_uploads import reads_beside_slow_uploads
from echoic.testing.private_server import PrivateServer
from echoic.units import MB

WAV_HEADER_BYTES = 44
BLOCK = os.urandom(MB)
SIMULTANEOUS = 16
UPLOAD_PATH = "/api/datasets/1/items"
PYTHON_MULTIPART = "python-multipart==0.0.34"


def write_wav(path: Path, megabytes: int) -> Path:
    """Noise as 48 kHz stereo of 16 bits, of that size."""
    samples_bytes = megabytes * MB - WAV_HEADER_BYTES
    with path.open("wb") as file:
        file.write(wav_head(samples_bytes))
        for start in range(0, samples_bytes, MB):
            file.write(BLOCK[: min(MB, samples_bytes - start)])
    return path


class Echoic:
    """The server to measure, its dataset taking large files that nobody transcribes."""

    def __init__(self, server: PrivateServer) -> None:
        self.client = server.client
        self.address = ("127.0.0.1", server.client.base_url.port or 0)
        self.key = server.client.headers["Authorization"].removeprefix("Bearer ")
        self._proc = Path(f"/proc/{server.process.pid}")
        server.client.patch("/api/datasets/1", json={"auto_transcribe": False}).raise_for_status()

    def upload(self, file: Path) -> Answer:
        return post_form(self.address, UPLOAD_PATH, file, self.key)

    def delete(self, answer: Answer) -> None:
        self.client.delete(f"/api/items/{answer.item_id()}").raise_for_status()

    def memory_growth_mb(self, act: Callable[[], None]) -> float:
        """By how much the resident memory at its highest during the act exceeds what it was before."""
        (self._proc / "clear_refs").write_text("5", encoding="ascii")
        before = self._status_kib("VmRSS")
        act()
        return (self._status_kib("VmHWM") - before) / 1024

    def _status_kib(self, name: str) -> int:
        for line in (self._proc / "status").read_text(encoding="ascii").splitlines():
            if line.startswith(f"{name}:"):
                return int(line.split()[1])
        raise SystemExit(f"the kernel does not tell {name}")


def speeds(folder: Path, python_multipart: Path, echoic: Echoic, megabytes: int, rounds: int) -> dict[str, list[float]]:
    """MB/s of each way, by round."""
    file = write_wav(folder / "measured.wav", megabytes)
    found: dict[str, list[float]] = {}
    with (
        PlainServer("raw", _made(folder / "raw")) as raw,
        PlainServer("framework", _made(folder / "framework"), python_path=python_multipart) as framework,
    ):
        ways: dict[str, tuple[Callable[[], Answer], Callable[[Answer], None]]] = {
            "raw": (lambda: put_raw(raw.address, file), lambda _: raw.received.unlink()),
            "echoic": (lambda: echoic.upload(file), echoic.delete),
            "framework": (
                lambda: post_form(framework.address, "/?sync=1", file),
                lambda _: framework.received.unlink(),
            ),
            "framework, not synced": (
                lambda: post_form(framework.address, "/", file),
                lambda _: framework.received.unlink(),
            ),
        }
        for number in range(rounds + 1):
            for name, (act, clean_up) in ways.items():
                started = time.perf_counter()
                answer = act()
                seconds = time.perf_counter() - started
                if answer.status != 200:
                    raise SystemExit(f"{name}: {answer.status} {answer.body.decode(errors='replace')}")
                clean_up(answer)
                if number:  # the first round warms up
                    found.setdefault(name, []).append(megabytes / seconds)
            os.sync()
    file.unlink()
    return found


def growth_of_simultaneous(echoic: Echoic, file: Path, count: int) -> float:
    answers: list[Answer] = []

    def act() -> None:
        with ThreadPoolExecutor(count) as threads:
            answers.extend(threads.map(lambda _: echoic.upload(file), range(count)))

    growth = echoic.memory_growth_mb(act)
    for answer in answers:
        echoic.delete(answer)
    return growth


def fetched_python_multipart(folder: Path) -> Path:
    target = folder / "python-multipart"
    command = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-deps",
        "--target",
        str(target),
        PYTHON_MULTIPART,
    ]
    subprocess.run(command, check=True)
    return target


def show_speeds(found: dict[str, list[float]], megabytes: int, rounds: int) -> dict[str, str]:
    print(f"\n{megabytes} MB, {rounds} paired rounds, MB/s")
    print(f"{'':24}{'median':>8}{'least':>8}{'most':>8}{'raw, paired':>13}")
    for name, rates in found.items():
        print(
            f"{name:24}{statistics.median(rates):8.0f}{min(rates):8.0f}{max(rates):8.0f}{_ratio(found, name, 'raw'):13.2f}"
        )
    return {
        "upload_over_raw": f"{_ratio(found, 'echoic', 'raw'):.2f}",
        "upload_over_framework": f"{_ratio(found, 'echoic', 'framework'):.2f}",
        "upload_over_framework_not_synced": f"{_ratio(found, 'echoic', 'framework, not synced'):.2f}",
        "upload_mb_s": f"{statistics.median(found['echoic']):.0f}",
    }


def _ratio(found: dict[str, list[float]], name: str, other: str) -> float:
    """The median of the rounds' ratios: what else the machine does hits both of a round alike."""
    return statistics.median(ours / theirs for ours, theirs in zip(found[name], found[other], strict=True))


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


def measure(folder: Path, given: argparse.Namespace) -> dict[str, str]:
    python_multipart = given.python_multipart or fetched_python_multipart(folder)
    with PrivateServer(
        _made(folder / "data"), ECHOIC_LOG_LEVEL="warning", ECHOIC_UPLOAD_DEFAULT_MAX_MB=str(2 * given.large)
    ) as server:
        echoic = Echoic(server)
        figures = show_speeds(
            speeds(folder, python_multipart, echoic, given.megabytes, given.rounds), given.megabytes, given.rounds
        )
        large = write_wav(folder / "large.wav", given.large)
        growth = growth_of_simultaneous(echoic, large, 1)
        large.unlink()
        middle = write_wav(folder / "middle.wav", given.large // SIMULTANEOUS)
        growth_many = growth_of_simultaneous(echoic, middle, SIMULTANEOUS)
        print(f"\npeak memory growth of the server: one upload of {given.large} MB: {growth:.0f} MB")
        print(f"{SIMULTANEOUS} uploads of {given.large // SIMULTANEOUS} MB at once: {growth_many:.0f} MB")
        alone, beside = reads_beside_slow_uploads(echoic.address, echoic.key, middle)
        print(f"\nreads of one item with nothing else: {alone:.0f}/s; beside 64 slow uploads: {beside:.0f}/s")
    return figures | {
        "rss_growth_mb": f"{growth:.0f}",
        "rss_growth_16_mb": f"{growth_many:.0f}",
        "reads_beside_slow": f"{beside / alone:.2f}",
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--megabytes", type=int, default=400)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--large", type=int, default=1024, help="MB of the upload whose memory is measured")
    parser.add_argument("--folder", type=Path, help="on the disk to measure; default: the temporary one")
    parser.add_argument("--python-multipart", type=Path, help="a folder that holds this package")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="echoic-bench-", dir=given.folder) as name:
        folder = Path(name)
        folder.chmod(0o711)
        figures = measure(folder, given)
    print(" ".join(f"{name}={value}" for name, value in figures.items()))


if __name__ == "__main__":
    main()
