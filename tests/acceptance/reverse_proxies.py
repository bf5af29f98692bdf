"""Real reverse proxies before a server, started with the very files of deploy/proxies that docs/proxies.md shows."""

import re
import shutil
import socket
import ssl
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil
import pytest
import trustme

from echoic.testing.private_server import PrivateServer
from tests.waiting import wait_for

FILES = Path(__file__).parents[2] / "deploy" / "proxies"
SHORT_SECONDS = 5
"""Stands for the long waits of a file where a test asks for it."""
PATIENCE_SECONDS = 60.0
# Debian puts programs of servers into a folder that only root's PATH names.
PLACES = "/usr/local/sbin:/usr/sbin:/sbin"


@dataclass(frozen=True)
class Places:
    """Where a proxy listens, whom it asks and where its files are."""

    folder: Path
    plain_port: int
    port: int
    server: str
    authority: trustme.CA

    @property
    def certificate(self) -> Path:
        return self.folder / "certificate.pem"


@dataclass(frozen=True)
class Kind:
    """A program: its file in deploy/proxies, and what surrounds that file where it is installed."""

    name: str
    file: str
    package: str
    own_words: Callable[[Places], dict[str, str]]
    """What people put in for themselves, and what the tests do: patterns and what comes in their place."""
    command: Callable[[Path, Places], list[str]]
    """Writes the surroundings; returns the options of the program."""

    def program(self) -> str | None:
        """Where the program is; None where it is not installed."""
        return shutil.which(self.name) or shutil.which(self.name, path=PLACES)


def _nginx(site: Path, places: Places) -> list[str]:
    main = places.folder / "main.conf"
    folders = "".join(
        f"{kind}_temp_path {places.folder}/{kind};\n" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    main.write_text(
        f"daemon off;\nworker_processes 1;\npid {places.folder}/pid;\nerror_log stderr;\nevents {{}}\n"
        f"http {{\naccess_log off;\n{folders}include {site};\n}}\n"
    )
    return ["-c", str(main), "-e", "stderr"]


def _caddy(site: Path, places: Places) -> list[str]:
    main = places.folder / "main"
    root, key = places.folder / "root.pem", places.folder / "root.key"
    places.authority.cert_pem.write_to_path(root)
    places.authority.private_key_pem.write_to_path(key)
    main.write_text(
        f"{{\nadmin off\nlocal_certs\nskip_install_trust\nstorage file_system {places.folder}/storage\n"
        f"default_bind 127.0.0.1\nhttp_port {places.plain_port}\nhttps_port {places.port}\n"
        f"pki {{\nca local {{\nroot {{\nformat pem_file\ncert {root}\nkey {key}\n}}\n}}\n}}\n}}\nimport {site}\n"
    )
    return ["run", "--config", str(main), "--adapter", "caddyfile"]


def _haproxy(site: Path, places: Places) -> list[str]:
    main = places.folder / "main.cfg"
    main.write_text("global\n    maxconn 200\n")
    return ["-db", "-f", str(main), "-f", str(site)]


KINDS = (
    Kind(
        name="nginx",
        file="nginx.conf",
        package="nginx",
        own_words=lambda at: {
            r"audio\.example\.org;": "localhost;",
            r"audio\.example\.org\$": "localhost$",
            r"/etc/letsencrypt/\S+\.pem": str(at.certificate),
            r"listen 80;": f"listen 127.0.0.1:{at.plain_port};",
            r"listen 443 ": f"listen 127.0.0.1:{at.port} ",
        },
        command=_nginx,
    ),
    Kind(
        name="caddy",
        file="Caddyfile",
        package="caddy",
        own_words=lambda _: {r"(?m)^audio\.example\.org": "localhost"},
        command=_caddy,
    ),
    Kind(
        name="haproxy",
        file="haproxy.cfg",
        package="haproxy",
        own_words=lambda at: {
            r"/etc/haproxy/\S+\.pem": str(at.certificate),
            r"bind :80\n": f"bind 127.0.0.1:{at.plain_port}\n",
            r"bind :443 ": f"bind 127.0.0.1:{at.port} ",
        },
        command=_haproxy,
    ),
)
KINDS_BY_NAME = {kind.name: kind for kind in KINDS}


class Proxy:
    """A running proxy before a server. ``client`` speaks to it, with the server's key."""

    def __init__(self, kind: Kind, places: Places, process: subprocess.Popen[bytes], key: str) -> None:
        self.kind = kind
        self.places = places
        self.base = f"https://localhost:{places.port}"
        self.plain_base = f"http://localhost:{places.plain_port}"
        self.authorities = places.folder / "authorities.pem"
        places.authority.cert_pem.write_to_path(self.authorities)
        self.tls = ssl.create_default_context(cafile=str(self.authorities))
        self.authorization = key
        self._process = process
        self.client = self.client_from()

    def client_from(self, address: str = "127.0.0.1") -> httpx.Client:
        """A client at an address of this machine."""
        return httpx.Client(
            base_url=self.base,
            headers={"Authorization": self.authorization},
            transport=httpx.HTTPTransport(verify=self.tls, local_address=address),
            timeout=PATIENCE_SECONDS,
        )

    def connect(self) -> ssl.SSLSocket:
        """A connection on which a test says itself what it sends."""
        plain = socket.create_connection(("127.0.0.1", self.places.port), timeout=PATIENCE_SECONDS)
        return self.tls.wrap_socket(plain, server_hostname="localhost")

    def peak_bytes(self) -> int:
        """The most memory that the proxy's processes ever had, by Linux's count."""
        mother = psutil.Process(self._process.pid)
        peaks = [
            re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{each.pid}/status").read_text())
            for each in (mother, *mother.children(recursive=True))
        ]
        return sum(int(peak[1]) * 1024 for peak in peaks if peak is not None)

    def files_bytes(self) -> int:
        """Bytes in the folder of the proxy's files, where what it collected would lie."""
        return sum(path.stat().st_size for path in self.places.folder.rglob("*") if path.is_file())


@contextmanager
def running(kind: Kind, server: PrivateServer, folder: Path, *, shortened: bool = False) -> Iterator[Proxy]:
    """The proxy before the server; ``shortened`` has SHORT_SECONDS in place of all waits of 600 s."""
    program = kind.program()
    if program is None:
        pytest.skip(f"{kind.name} is not installed: apt-get install {kind.package}")
    with ExitStack() as stack:
        # The kernel gives each test process other ports; two at a time are never the same.
        probes = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(2)]
        plain_port, port = (probe.getsockname()[1] for probe in probes)
    places = Places(folder, plain_port, port, str(server.client.base_url.netloc, "ascii"), trustme.CA())
    issued = places.authority.issue_cert("localhost")
    issued.private_key_and_cert_chain_pem.write_to_path(places.certificate)
    site = folder / kind.file
    site.write_text(_put_in(kind, places, shortened=shortened))
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [program, *kind.command(site, places)],
            stdout=log,
            stderr=log,
            env={"HOME": str(folder), "XDG_DATA_HOME": str(folder), "XDG_CONFIG_HOME": str(folder)},
        )
    proxy = Proxy(kind, places, process, server.client.headers["Authorization"])
    try:
        wait_for(lambda: _answers(proxy, process), f"{kind.name} answers")
        yield proxy
    finally:
        proxy.client.close()
        process.terminate()
        process.wait(PATIENCE_SECONDS)


def _put_in(kind: Kind, places: Places, *, shortened: bool) -> str:
    text = (FILES / kind.file).read_text(encoding="utf-8")
    text = "".join(line for line in text.splitlines(keepends=True) if not line.startswith("#"))
    for pattern, own in {**kind.own_words(places), r"127\.0\.0\.1:8080": places.server}.items():
        text, count = re.subn(pattern, own, text)
        assert count, f"{kind.file} has no {pattern}"
    return text.replace("600s", f"{SHORT_SECONDS}s") if shortened else text


def _answers(proxy: Proxy, process: subprocess.Popen[bytes]) -> bool:
    assert process.poll() is None, (proxy.places.folder / "log").read_text()
    try:
        return proxy.client.get("/health/live").is_success
    except httpx.TransportError:
        return False
