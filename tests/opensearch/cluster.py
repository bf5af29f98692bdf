"""A real OpenSearch for tests: Maven fetches its archives, which are laid out as a home folder and started on loopback.

Nothing here is a stand-in: it is OpenSearch's own server, started by its own main class. Only the script around it is left
out, which Maven does not have.
"""

import hashlib
import json
import os
import pwd
import re
import shutil
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.folders import passable_folder

ROOT = Path(__file__).parents[2]
POM = Path(__file__).with_name("pom.xml")
CACHE = ROOT / ".opensearch"
"""Archives that Maven fetched, by the checksum of the pom; git ignores it."""

VERSION = "2.19.6"
MODULES = {
    "transport-netty4-client": "org.opensearch.transport.Netty4Plugin",
    "analysis-common": "org.opensearch.analysis.common.CommonAnalysisPlugin",
    "lang-painless": "org.opensearch.painless.PainlessPlugin",
}
"""Modules of the server by their artifacts, and the class that each begins with. Maven has their archives but not the
descriptions that say so."""
MAIN = "org.opensearch.bootstrap.OpenSearch"
SHORT_LIVED = ("-Xms256m", "-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")
"""For a server that lives for minutes: compiling its code for speed takes longer than it saves."""
MEASURED = ("-Xms2g", "-Xmx2g")
"""For one whose speed is measured: with memory, and code that is compiled as usual."""
JAVA_OPTIONS = (
    # From Java 18 on nobody may set a security manager who is not told at the start; the server sets one.
    "-Djava.security.manager=allow",
    "-Djava.awt.headless=true",
    "-Dfile.encoding=UTF-8",
    "-Djna.nosys=true",
    "-Dio.netty.noUnsafe=true",
    "-Dio.netty.noKeySetOptimization=true",
    "-Dio.netty.recycler.maxCapacityPerThread=0",
    "-Dlog4j.shutdownHookEnabled=false",
    "-Dlog4j2.disable.jmx=true",
    "-Dopensearch.distribution.type=tar",
)
LOGGING = """status = error
appender.console.type = Console
appender.console.name = console
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = [%d{ISO8601}][%-5p][%c{1.}] %m%n
rootLogger.level = warn
rootLogger.appenderRef.console.ref = console
"""
ACCOUNT = "nobody"
"""The server refuses to run as root."""
MAVEN_SECONDS = 300
START_SECONDS = 300.0
POLL_SECONDS = 0.2
NEEDED = "the tests of OpenSearch need Maven and Java 17 to 23: install maven and openjdk-17-jre-headless"


class Missing(Exception):
    """OpenSearch cannot be started here."""


@dataclass(frozen=True, kw_only=True)
class Node:
    """A running node."""

    name: str
    process: subprocess.Popen[bytes]
    url: str
    log: Path

    def kill(self) -> None:
        """End it as a crash does."""
        self.process.kill()
        self.process.wait()

    def stop(self) -> None:
        """Send SIGTERM, and wait for its end."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            self.kill()


def require() -> None:
    """Raise Missing where Maven or a fitting Java is not there."""
    if shutil.which("mvn") is None or shutil.which("java") is None:
        raise Missing(NEEDED)
    said = subprocess.run(["java", "-version"], capture_output=True, text=True, check=True).stderr  # noqa: S607 - any java
    found = re.search(r'version "(\d+)', said)
    if found is None or not 17 <= int(found[1]) <= 23:
        raise Missing(f"{NEEDED} (found: {said.splitlines()[0]})")


def archives() -> Path:
    """Have Maven fetch the archives, once; returns the folder that holds them and Maven's tree of them."""
    require()
    folder = CACHE / hashlib.sha256(POM.read_bytes()).hexdigest()[:16]
    if folder.is_dir():
        return folder
    CACHE.mkdir(exist_ok=True)
    unfinished = CACHE / f"unfinished-{os.getpid()}"
    goals = [
        "dependency:copy-dependencies",
        f"-DoutputDirectory={unfinished}",
        "dependency:tree",
        f"-DoutputFile={unfinished}/tree.txt",
    ]
    try:
        subprocess.run(
            ["mvn", "-q", "-B", "-f", POM, *goals],  # noqa: S607 - any Maven
            check=True,
            timeout=MAVEN_SECONDS,
            stdin=subprocess.DEVNULL,
            capture_output=True,
        )
        unfinished.rename(folder)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    return folder


def lay_out(home: Path) -> None:
    """Make a home folder of the archives: those of the server in ``lib``, those of a module alone in its folder, plugins
    unpacked."""
    source = archives()
    for empty in ("bin", "extensions", "plugins", "lib"):
        (home / empty).mkdir(parents=True)
    place = home / "lib"
    for line in (source / "tree.txt").read_text().splitlines()[1:]:
        _, artifact, kind, version, _ = line.lstrip("|+\\- ").split(":")
        if kind == "zip":
            _unpack_plugin(source / f"{artifact}-{version}.zip", home / "plugins" / artifact)
            continue
        if line[0] in "+\\":
            module = MODULES.get(artifact)
            place = home / "modules" / artifact if module else home / "lib"
            if module:
                place.mkdir(parents=True)
                _describe(place, artifact, module)
        shutil.copy(source / f"{artifact}-{version}.jar", place)


def _unpack_plugin(archive: Path, place: Path) -> None:
    shutil.unpack_archive(archive, place)
    facts = place / "plugin-descriptor.properties"
    # The server takes a plugin for its own version only, as this one says for an earlier one of the same line.
    facts.write_text(re.sub(r"(?m)^opensearch\.version=.*$", f"opensearch.version={VERSION}", facts.read_text()))


def _describe(place: Path, name: str, main: str) -> None:
    facts = {
        "name": name,
        "description": name,
        "version": VERSION,
        "opensearch.version": VERSION,
        "java.version": "11",
        "classname": main,
        "extended.plugins": "",
        "has.native.controller": "false",
    }
    (place / "plugin-descriptor.properties").write_text("".join(f"{key}={value}\n" for key, value in facts.items()))
    (place / "plugin-security.policy").write_text("grant {\n    permission java.security.AllPermission;\n};\n")


@contextmanager
def cluster(
    nodes: int = 1, *, options: Sequence[str] = SHORT_LIVED, settings: Mapping[str, object] | None = None
) -> Iterator[list[Node]]:
    """Start so many nodes as one cluster, which is whole when the block begins; end them by their ids afterwards.

    ``options`` are those of Java; ``settings`` of OpenSearch are added to those of each node.
    """
    with passable_folder() as folder, ExitStack() as stack:
        home = folder / "home"
        lay_out(home)
        names = [f"node-{number}" for number in range(nodes)]
        ports = _free_ports(2 * nodes)
        http, transport = ports[:nodes], ports[nodes:]
        started = []
        for name, own_http, own_transport in zip(names, http, transport, strict=True):
            own: dict[str, object] = {
                "cluster.name": folder.name,
                "node.name": name,
                "network.host": "127.0.0.1",
                "http.port": own_http,
                "transport.port": own_transport,
                "path.data": str(folder / name / "data"),
                "path.logs": str(folder / name / "logs"),
                "action.auto_create_index": False,
                "cluster.routing.allocation.disk.threshold_enabled": False,
                "discovery.seed_hosts": [f"127.0.0.1:{port}" for port in transport],
                "cluster.initial_cluster_manager_nodes": names,
                **(settings or {}),
            }
            node = start(folder / name, home=home, settings=own, options=options)
            stack.callback(node.stop)
            started.append(node)
        wait_for_nodes(started, nodes)
        yield started


def start(folder: Path, *, home: Path, settings: dict[str, object], options: Sequence[str] = SHORT_LIVED) -> Node:
    """Start a node whose configuration and data lie in ``folder``, also one that was there before."""
    configuration = folder / "config"
    configuration.mkdir(parents=True, exist_ok=True)
    (configuration / "opensearch.yml").write_text(json.dumps(settings))
    (configuration / "log4j2.properties").write_text(LOGGING)
    (folder / "temporary").mkdir(exist_ok=True)
    changed: dict[str, object] = {}
    if os.geteuid() == 0:
        account = pwd.getpwnam(ACCOUNT)
        for path in (folder, *folder.rglob("*")):
            os.chown(path, account.pw_uid, account.pw_gid)
        changed = {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
    command = [
        "java",
        *options,
        *JAVA_OPTIONS,
        f"-Djava.io.tmpdir={folder}/temporary",
        f"-Dopensearch.path.home={home}",
        f"-Dopensearch.path.conf={configuration}",
        "-cp",
        f"{home}/lib/*",
        MAIN,
    ]
    log = folder / "output.log"
    environment = {**os.environ, "HOME": str(folder), "OPENSEARCH_PATH_CONF": str(configuration)}
    with log.open("ab") as output:
        process = subprocess.Popen(  # type: ignore[call-overload]  # the account, where there is one to change to
            command,
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            **changed,
        )
    return Node(
        name=str(settings["node.name"]), process=process, url=f"http://127.0.0.1:{settings['http.port']}", log=log
    )


def wait_for_nodes(nodes: Sequence[Node], number: int) -> None:
    """Wait until each of the nodes is in a cluster of so many. Raises AssertionError with the log of one that is not."""
    until = time.monotonic() + START_SECONDS
    for node in nodes:
        while (found := health(node.url)) is None or found["number_of_nodes"] != number:
            ended = node.process.poll()
            if ended is not None or time.monotonic() > until:
                raise AssertionError(f"{node.name} ended: {ended}; it said {found}; {node.log.read_text()[:3000]}")
            time.sleep(POLL_SECONDS)


def health(url: str) -> dict[str, object] | None:
    """Return what a node says of its cluster; None where it does not answer."""
    try:
        with urllib.request.urlopen(f"{url}/_cluster/health", timeout=10) as answer:
            found: dict[str, object] = json.load(answer)
            return found
    except (OSError, urllib.error.URLError):
        return None


def _free_ports(number: int) -> list[int]:
    with ExitStack() as stack:
        held = [stack.enter_context(socket.socket()) for _ in range(number)]
        for one in held:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in held]
