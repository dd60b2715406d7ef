"""A private Elasticsearch on loopback: Docker when an engine answers, else the server build on Maven Central.

For the tests, the benchmarks and `make demo STORE=elasticsearch`. Production uses deploy/compose.yaml or its own cluster.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
from elasticsearch import ApiError, Elasticsearch, TransportError

VERSION = "8.19.9"
#: Enough for tests and the demo.
HEAP = "256m"
#: Ten seconds on an idle machine of two cores; minutes on one that is busy.
START_SECONDS = 300

_ARTIFACT = "org.elasticsearch.distribution.integ-test-zip:elasticsearch:{version}:zip"
_NODE_CLASS = "org.elasticsearch.bootstrap.Elasticsearch"
#: The server refuses to run as root.
_USER = "nobody"


class Unavailable(RuntimeError):
    """No way to get a server here; the message says what would help."""


@dataclass(slots=True, kw_only=True)
class Server:
    """A server of our own in `folder`; `stop` removes it."""

    folder: Path
    port: int
    settings: Mapping[str, str] = field(default_factory=dict)
    #: How `client` reaches it: basic_auth, ca_certs.
    access: Mapping[str, Any] = field(default_factory=dict)
    heap: str = HEAP
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where it listens."""
        scheme = "https" if self.settings.get("xpack.security.http.ssl.enabled") == "true" else "http"
        return f"{scheme}://127.0.0.1:{self.port}"

    @property
    def home(self) -> Path:
        """The unpacked server."""
        return next(self.folder.glob("elasticsearch-*"))

    def client(self, **changes: Any) -> Elasticsearch:
        """A client of it."""
        return Elasticsearch(self.url, **{**self.access, **changes})

    def start(self) -> None:
        """Start and wait until it answers; after `kill` it comes back with its data."""
        self._configure()
        (self.folder / "tmp").mkdir(exist_ok=True)
        for path in (self.folder, *self.folder.rglob("*")) if os.geteuid() == 0 else ():
            shutil.chown(path, _USER)
        identity: dict[str, Any] = {"user": _USER} if os.geteuid() == 0 else {}
        with (self.folder / "console.log").open("ab") as log:
            self.process = subprocess.Popen(
                [self.home / "bin" / "elasticsearch"],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.folder, env=self.environment(), **identity,
            )  # fmt: skip
        self._wait()

    def environment(self) -> dict[str, str]:
        """What the server's programs need to know."""
        return {
            "PATH": os.environ["PATH"],
            "ES_JAVA_HOME": str(java_home()),
            "ES_JAVA_OPTS": _java_options(self.heap),
            "ES_TMPDIR": str(self.folder / "tmp"),
        }

    def kill(self) -> None:
        """Kill the node as a power cut would."""
        if self.process is None:
            return
        launcher = psutil.Process(self.process.pid)
        nodes = [child for child in launcher.children(recursive=True) if _NODE_CLASS in " ".join(child.cmdline())]
        for node in nodes:
            node.kill()
        psutil.wait_procs(nodes)
        self.process.wait(30)

    def stop(self) -> None:
        """Stop and remove every trace."""
        if self.process is not None and self.process.poll() is None:
            # The launcher takes the node down with it.
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _configure(self) -> None:
        settings = {
            "discovery.type": "single-node",
            "network.host": "127.0.0.1",
            "http.port": str(self.port),
            "transport.port": str(free_port()),
            "path.data": str(self.folder / "data"),
            "path.logs": str(self.folder / "logs"),
            "xpack.security.enabled": "false",
            **self.settings,
        }
        lines = "".join(f"{name}: {value}\n" for name, value in settings.items())
        (self.home / "config" / "elasticsearch.yml").write_text(lines)

    def _wait(self) -> None:
        process = self.process
        if process is not None and _answers(self.client(), lambda: process.poll() is None):
            return
        log = (self.folder / "console.log").read_text(errors="replace")
        self.stop()
        raise RuntimeError(f"Elasticsearch did not start within {START_SECONDS} s:\n{log[-2000:]}")


@dataclass(slots=True, kw_only=True)
class Container:
    """A server in Docker."""

    name: str
    port: int

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    def client(self) -> Elasticsearch:
        """A client of it."""
        return Elasticsearch(self.url)

    def stop(self) -> None:
        """Stop and remove the container."""
        subprocess.run(["docker", "rm", "--force", self.name], capture_output=True, check=False)


def start(version: str = VERSION, heap: str = HEAP) -> Server | Container:
    """A running server, from Docker or Maven Central. Raises Unavailable, or RuntimeError when it does not come up."""
    if _docker_answers():
        return _contained(version, heap)
    server = unpack(version)
    server.heap = heap
    server.start()
    return server


def _java_options(heap: str) -> str:
    """A server that lives for minutes spends more on compiling well than it ever saves."""
    return f"-Xms{heap} -Xmx{heap} -XX:TieredStopAtLevel=1"


def _docker_answers() -> bool:
    if shutil.which("docker") is None:
        return False
    return subprocess.run(["docker", "info"], capture_output=True, check=False, timeout=30).returncode == 0


def _contained(version: str, heap: str) -> Container:
    container = Container(name=f"caifeng-elasticsearch-{os.getpid()}", port=free_port())
    settings = ["discovery.type=single-node", "xpack.security.enabled=false", f"ES_JAVA_OPTS={_java_options(heap)}"]
    options = [part for setting in settings for part in ("-e", setting)]
    port = f"127.0.0.1:{container.port}:9200"
    image = f"elasticsearch:{version}"
    command = ["docker", "run", "--detach", "--rm", "--name", container.name, "-p", port, *options, image]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Unavailable(f"Docker could not start {image}: {done.stderr[-500:]}")
    if not _answers(container.client(), lambda: True):
        container.stop()
        raise RuntimeError(f"{image} did not answer within {START_SECONDS} s")
    return container


def _answers(client: Elasticsearch, is_alive: Callable[[], bool]) -> bool:
    """Wait until the cluster says it can be used; False when it died or took too long."""
    deadline = time.monotonic() + START_SECONDS
    with client.options(max_retries=0, request_timeout=5) as patient:
        while time.monotonic() < deadline and is_alive():
            try:
                patient.cluster.health(wait_for_status="yellow", timeout="2s")
            except (ApiError, TransportError):
                time.sleep(0.3)
            else:
                return True
    return False


def unpack(version: str = VERSION) -> Server:
    """A server from Maven Central, not yet started, in a temporary folder."""
    folder = Path(tempfile.mkdtemp(prefix="caifeng-elasticsearch-"))
    with zipfile.ZipFile(fetch(version)) as archive:
        archive.extractall(folder)
    server = Server(folder=folder, port=free_port())
    for program in (server.home / "bin").iterdir():
        program.chmod(0o755)
    return server


def fetch(version: str = VERSION) -> Path:
    """The server's archive, kept in the user's cache. Raises Unavailable without Java, Maven or a way to it."""
    java_home()
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "caifeng" / "elasticsearch"
    archive = cache / f"elasticsearch-{version}.zip"
    if archive.exists():
        return archive
    maven = shutil.which("mvn")
    if maven is None:
        raise Unavailable("Elasticsearch: start Docker, or install Maven, or set CAIFENG_TEST_ELASTICSEARCH_URL")
    command = [maven, "-q", "-B", "dependency:copy", f"-Dartifact={_ARTIFACT.format(version=version)}"]
    options = ["-Dmdep.useBaseVersion=true", f"-DoutputDirectory={cache}"]
    done = subprocess.run([*command, *options], capture_output=True, text=True, check=False)
    if not archive.exists():
        raise Unavailable(f"Elasticsearch {version} is not to be had from Maven Central: {done.stdout[-500:]}")
    return archive


def java_home() -> Path:
    """Where Java is: ES_JAVA_HOME, else that of the `java` on the path."""
    if given := os.environ.get("ES_JAVA_HOME"):
        return Path(given)
    java = shutil.which("java")
    if java is None:
        raise Unavailable("Elasticsearch: start Docker, or install Java 17, or set CAIFENG_TEST_ELASTICSEARCH_URL")
    return Path(java).resolve().parent.parent


def free_port() -> int:
    """A port nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
