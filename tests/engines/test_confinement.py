"""What a decoder that was taken over can reach: nothing, through all layers together and through each where it counts."""

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from echoic.engines.media import wire
from echoic.engines.media.parent.child_process import SINGLE_THREADED

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="these layers are Linux's")

HOSTILE = Path(__file__).with_name("hostile.py")
ORDINARY = 12_345
"""An account like a person's; nobody has it here."""
AS_ROOT = os.geteuid() == 0
ABSTRACT = f"echoic-test-{os.getpid()}"
FILES = ["open a file", "write a file", "make a file", "unlink", "rename", "make a folder", "link", "symlink"]
PROCESSES = ["kill another process", "trace another process"]
SERVERS = ["reach a server in the file system", "reach a server without a file", "reach a server by TCP"]

accounts = pytest.mark.parametrize(
    "account",
    [
        pytest.param(None, id="who runs the tests"),
        pytest.param(ORDINARY, id="an ordinary account", marks=pytest.mark.skipif(not AS_ROOT, reason="needs root")),
    ],
)


class Victims:
    """A file that everybody may change, servers that everybody may reach, and a process of the same account."""

    def __init__(self, folder: Path, account: int | None) -> None:
        self.account = account
        self.file = folder / "secret"
        self.file.write_text("precious", encoding="ascii")
        self.socket = folder / "socket"
        self.servers = [socket.socket(family) for family in (socket.AF_UNIX, socket.AF_UNIX, socket.AF_INET)]
        self.servers[0].bind(str(self.socket))
        self.servers[1].bind(f"\0{ABSTRACT}")
        self.servers[2].bind(("127.0.0.1", 0))
        for server in self.servers:
            server.listen()
        for path, mode in ((folder, 0o777), (self.file, 0o666), (self.socket, 0o777)):
            path.chmod(mode)
            if account is not None:
                os.chown(path, account, account)
        self.process = subprocess.Popen(["/bin/sleep", "60"], user=account)

    def meet(self, layers: list[str] | None, attempts: list[str] | None = None) -> dict[str, Any]:
        """What the hostile decoder says that it could do to them."""
        given = {
            "layers": layers,
            "attempts": attempts,
            "account": self.account,
            "file": str(self.file),
            "socket": str(self.socket),
            "abstract": ABSTRACT,
            "port": self.servers[2].getsockname()[1],
            "pid": self.process.pid,
        }
        environment = {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path), **SINGLE_THREADED}
        ended = subprocess.run(
            [sys.executable, str(HOSTILE), json.dumps(given)], env=environment, capture_output=True, check=False
        )
        assert ended.returncode == 0, ended.stderr.decode()
        answer: dict[str, Any] = json.loads(ended.stdout)
        return answer

    def assert_unharmed(self) -> None:
        assert self.file.read_text(encoding="ascii") == "precious"
        assert sorted(path.name for path in self.file.parent.iterdir()) == ["secret", "socket"]
        assert self.process.poll() is None


@pytest.fixture
def victims(account: int | None) -> Iterator[Victims]:
    # Not pytest's own folder, which is closed to the ordinary account.
    folder = Path(tempfile.mkdtemp(prefix="echoic-victims-"))
    with contextlib.ExitStack() as undo:
        undo.callback(shutil.rmtree, folder)
        made = Victims(folder, account)
        for server in made.servers:
            undo.callback(server.close)
        undo.callback(made.process.wait)
        undo.callback(made.process.kill)
        yield made


@accounts
def test_hostile_code_in_the_decoder_is_refused_everything(victims: Victims) -> None:
    found = victims.meet(None)

    assert wire.SYSTEM_CALLS in found["layers"], "this kernel has no seccomp, or the filter was not put on"
    allowed = {name: answer for name, answer in found["answers"].items() if answer != "EPERM"}
    assert not allowed
    assert len(found["answers"]) > 80
    victims.assert_unharmed()


@accounts
def test_without_any_layer_the_same_code_does_its_harm(victims: Victims) -> None:
    harm = [*SERVERS, "look at a file", "kill another process", "a UNIX socket", "open a file", "unlink"]
    found = victims.meet([], harm)

    assert set(found["answers"].values()) == {"done"}, found["answers"]
    assert not victims.file.exists()
    assert victims.process.wait(10) != 0


def holding(victims: Victims, layer: str) -> None:
    """Pass over the test where this machine lacks the layer."""
    if layer not in victims.meet(None, ["open a file"])["layers"]:
        pytest.skip(f"this machine does not have the layer '{layer}'")


@accounts
def test_landlock_alone_refuses_files_and_other_processes(victims: Victims) -> None:
    holding(victims, wire.LANDLOCK)
    found = victims.meet([wire.LANDLOCK], [*FILES, *PROCESSES])

    assert set(found["answers"].values()) <= {"EACCES", "EPERM", "EXDEV"}, found["answers"]
    victims.assert_unharmed()


@accounts
def test_namespaces_alone_leave_no_file_and_nobody_to_reach(victims: Victims) -> None:
    holding(victims, wire.FILES)
    found = victims.meet([wire.NETWORK, wire.FILES], [*FILES, *SERVERS])

    assert set(found["answers"].values()) <= {"ENOENT", "EROFS", "ECONNREFUSED", "ENETUNREACH"}, found["answers"]
    victims.assert_unharmed()


@pytest.mark.skipif(not AS_ROOT, reason="needs root")
@pytest.mark.parametrize("account", [None])
def test_root_becomes_an_account_that_is_nobodys(victims: Victims) -> None:
    assert wire.ACCOUNT in victims.meet(None, ["become root"])["layers"]
