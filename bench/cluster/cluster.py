"""The whole cluster: nginx before two API processes, three workers, a pair of databases, a bucket and a site with recordings."""

import re
import shutil
import ssl
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import trustme

from bench.cluster.databases import Databases, wait_for
from bench.cluster.network import NETWORK, OWN_ADDRESS, Network
from bench.cluster.program import Program
from echoic.testing.object_store import ObjectStore
from echoic.testing.private_server import FAKE_ENGINES, PROGRAM, WITHOUT_WORKER

PROXY_FILE = Path(__file__).parents[2] / "deploy" / "proxies" / "nginx.conf"
PROXY_PLACES = "/usr/local/sbin:/usr/sbin:/sbin:/usr/bin"
API_PORT = 8080
BUCKET = "recordings"
QUICK = {
    "ECHOIC_WORKER_HEARTBEAT_SECONDS": "1",
    "ECHOIC_WORKER_STALLED_SECONDS": "6",
    "ECHOIC_STAGE_RETRY_BASE_SECONDS": "1",
}
"""Silence is noticed sooner than by default, so that a storm is over in minutes."""
API_DISK_MB, STORE_DISK_MB, DATABASE_DISK_MB = 64, 6000, 1500
START_SECONDS = 600.0


class Cluster:
    """Everything that runs; ``keep`` starts again what ended."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.network = Network(folder)
        self.authority = trustme.CA()
        self.authority_file = folder / "authority.pem"
        self.authority.cert_pem.write_to_path(str(self.authority_file))
        self.tls = ssl.create_default_context(cafile=str(self.authority_file))
        self.site = Site(self.authority)
        one, two = (self.network.add(f"db{number}", disk_mb=DATABASE_DISK_MB) for number in (1, 2))
        self.databases = Databases(one, two, folder)
        self.store_host = self.network.add("bucket", disk_mb=STORE_DISK_MB)
        self.store = ObjectStore(self.store_host.disk, host=self.store_host.address)
        self.store.start(self.store_host.prefix)
        self.store.make_bucket(BUCKET)
        self.apis = [self._api(f"api{number}") for number in (1, 2)]
        self.workers = [self._worker("cpu1", "cpu"), self._worker("cpu2", "cpu"), self._worker("gpu", "gpu")]
        self._start()
        self.proxy = self._proxy()
        self.base = f"https://{self.proxy.host.address}"
        key = (self.apis[0].host.disk / "data" / "api-key").read_text(encoding="utf-8").strip()
        self.headers = {"Authorization": f"Bearer {key}"}
        self.client = self.client_of(self.base)
        self.proxy.keep()
        self._await_ready(self.base)

    @property
    def programs(self) -> list[Program]:
        return [self.proxy, *self.apis, *self.workers]

    def client_of(self, base: str, *, timeout: float = 20.0) -> httpx.Client:
        """A client with the owner's key."""
        return httpx.Client(
            base_url=base,
            headers=self.headers,
            timeout=timeout,
            verify=self.tls,
            trust_env=False,
            follow_redirects=True,
        )

    def api_clients(self, *, timeout: float) -> list[httpx.Client]:
        """A client of each API process, past the proxy."""
        return [self.client_of(self.api_base(number), timeout=timeout) for number in range(len(self.apis))]

    def api_base(self, number: int) -> str:
        """The address of one API process past the proxy."""
        return f"http://{self.apis[number].host.address}:{API_PORT}"

    def keep(self) -> None:
        """Start again what ended."""
        for program in self.programs:
            program.keep()
        self.databases.keep()

    def end(self) -> None:
        """End everything."""
        for program in self.programs:
            program.kill()
        self.store.kill()
        self.databases.end()
        self.site.end()

    def environment(self, disk: Path) -> dict[str, str]:
        """The settings of a process whose host has that disk."""
        (disk / "tmp").mkdir(exist_ok=True)
        return {
            **FAKE_ENGINES,
            **QUICK,
            **self.store.environment,
            "ECHOIC_DATA_DIR": str(disk / "data"),
            "ECHOIC_DATABASE_URL": self.databases.url,
            "ECHOIC_STORAGE_URL": f"s3://{BUCKET}/echoic",
            "ECHOIC_FETCH_ALLOWED_NETWORKS": f"{NETWORK}.0/24",
            "FORWARDED_ALLOW_IPS": f"{NETWORK}.0/24",
            "SSL_CERT_FILE": str(self.authority_file),
            "TMPDIR": str(disk / "tmp"),
        }

    def _api(self, name: str) -> Program:
        host = self.network.add(name, disk_mb=API_DISK_MB)
        own = {"ECHOIC_HOST": host.address, "ECHOIC_PORT": str(API_PORT)}
        return Program(host, name, [*PROGRAM, "serve", *WITHOUT_WORKER], {**self.environment(host.disk), **own})

    def _worker(self, name: str, queue: str) -> Program:
        host = self.network.add(name, disk_mb=API_DISK_MB)
        own = {"ECHOIC_WORKER_QUEUES": queue}
        return Program(host, name, [*PROGRAM, "worker"], {**self.environment(host.disk), **own})

    def _start(self) -> None:
        """Start the first API process, which lays the tables out, then everything else."""
        self.apis[0].keep()
        self._await_ready(self.api_base(0))
        for program in (*self.apis, *self.workers):
            program.keep()
        self._await_ready(self.api_base(1))

    def _await_ready(self, base: str) -> None:
        def is_ready() -> bool:
            try:
                return httpx.get(f"{base}/health/ready", verify=self.tls, trust_env=False, timeout=5).is_success
            except httpx.TransportError:
                return False

        wait_for(is_ready, f"{base} is ready", patience_seconds=START_SECONDS)

    def _proxy(self) -> Program:
        host = self.network.add("proxy", disk_mb=16)
        certificate = host.disk / "certificate.pem"
        issued = self.authority.issue_cert(host.address)
        issued.private_key_and_cert_chain_pem.write_to_path(str(certificate))
        servers = "".join(f"server {api.host.address}:{API_PORT} max_fails=1 fail_timeout=5s;" for api in self.apis)
        site = PROXY_FILE.read_text(encoding="utf-8").replace("audio.example.org", host.address)
        site = re.sub(r"/etc/letsencrypt/\S+\.pem", str(certificate), site)
        balanced = "proxy_pass http://echoic; proxy_connect_timeout 3s;"
        site = site.replace("proxy_pass http://127.0.0.1:8080;", balanced)
        (host.disk / "site.conf").write_text(f"upstream echoic {{ {servers} }}\n{site}")
        kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        folders = "".join(f"{kind}_temp_path {host.disk}/{kind};\n" for kind in kinds)
        main = host.disk / "main.conf"
        main.write_text(
            f"daemon off;\nworker_processes 1;\npid {host.disk}/pid;\nerror_log stderr;\nuser root;\nevents {{}}\n"
            f"http {{\naccess_log off;\n{folders}include {host.disk}/site.conf;\n}}\n"
        )
        program = shutil.which("nginx") or shutil.which("nginx", path=PROXY_PLACES)
        if program is None:
            raise SystemExit("The cluster needs nginx, which is not installed.")
        return Program(
            host, "nginx", [program, "-c", str(main), "-e", "stderr"], {"HOME": str(host.disk)}, ends_children=True
        )


class Site:
    """An HTTPS site from which recordings are fetched by URL."""

    def __init__(self, authority: trustme.CA) -> None:
        self._files: dict[str, bytes] = {}
        files = self._files

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                content = files.get(self.path)
                if content is None:
                    self.send_error(404)
                    return
                self.send_response(200)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        class Server(ThreadingHTTPServer):
            def handle_error(self, *_: Any) -> None:
                """Say nothing of clients that went away."""

        self._server = Server((OWN_ADDRESS, 0), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert(OWN_ADDRESS).configure_cert(context)
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True, do_handshake_on_connect=False)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def put(self, name: str, content: bytes) -> str:
        """Offer a file; returns its URL."""
        self._files[f"/{name}"] = content
        return f"https://{OWN_ADDRESS}:{self._server.server_address[1]}/{name}"

    def take_away(self, name: str) -> None:
        """Offer a file no more."""
        self._files.pop(f"/{name}", None)

    def end(self) -> None:
        self._server.shutdown()
