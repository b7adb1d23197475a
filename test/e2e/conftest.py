"""Fixtures for tests on a real cluster with pods: see README.md. They run inside box.sh only."""

import base64
import http.client
import json
import os
import pathlib
import shutil
import signal
import socket
import ssl
import subprocess
import threading
import time

import psycopg2
import pytest
import yaml

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
EXAMPLES = ROOT / "test/examples"
S3 = "10.244.0.1:9000"  # the bridge that pods are on
PATIENCE = 150  # seconds for anything that is waited for
NODES_KNOW = 5  # seconds until every node sends a ready Pod what is for its Service
POSTGRES = "postgresql.cnpg.io/v1"

_measured: list[str] = []


def pytest_addoption(parser):
    parser.addoption("--chart", default=str(HERE / "chart"), help="the chart that Helm installs for the tests of adopt")


def pytest_terminal_summary(terminalreporter):
    for line in _measured:
        terminalreporter.write_line(f"measured: {line}")


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """What the cluster says when a test fails: it is gone afterwards."""
    report = (yield).get_result()
    if report.failed:
        for title, command in {
            "objects": "kubectl get -A clusters.postgresql.cnpg.io,databases,poolers,backups,pods,persistentvolumeclaims",
            "events": "kubectl get -A events --sort-by=.lastTimestamp | grep -v Normal | tail -n 20",
            "operator": "kubectl logs -n cnpg-system deployment/cnpg-controller-manager --tail=2000 | grep -E 'error|warn' | tail -n 20 | cut -c1-500",
        }.items():
            said = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=30)
            report.sections.append((title, said.stdout + said.stderr))


def measured(text: str):
    """A figure for the end of the run."""
    _measured.append(text)


def eventually(what: str, ready, patience: float = PATIENCE, every: float = 0.1):
    """The first true answer of `ready`. An exception of it is a no, and is told when patience ends."""
    deadline = time.monotonic() + patience
    while True:
        last = None
        try:
            answer = ready()
            if answer:
                return answer
        except (AssertionError, KeyError, OSError, http.client.HTTPException, psycopg2.Error) as error:
            last = error
        assert time.monotonic() < deadline, f"{what}: not in {patience} s ({last})"
        time.sleep(every)


def door(uri: str, database: str | None = None) -> str | None:
    """Tries one login; None when it is let in, else what the server said."""
    try:
        connect(uri, **({"dbname": database} if database else {})).close()
        return None
    except psycopg2.OperationalError as error:
        return str(error).strip()


def door_opens(uri: str) -> str | None:
    """As `door`, with the time that nodes take until they know where a Service's Pods are: kube-proxy tells them once a second."""
    try:
        return eventually("the door", lambda: door(uri) is None, NODES_KNOW) and None
    except AssertionError:
        return door(uri)


def connect(uri: str, **changed):
    """The URI as it stands in the Secret, in this process: it is seen in no argument list."""
    connection = psycopg2.connect(uri, **changed)
    connection.autocommit = True
    return connection


def ask(connection, statement: str, *arguments):
    """The rows of a statement."""
    with connection.cursor() as cursor:
        cursor.execute(statement, arguments or None)
        return cursor.fetchall() if cursor.description else []


def finish(process: subprocess.Popen, code: int = 0) -> str:
    """Waits for a begun program; its output."""
    try:
        output, errors = process.communicate(timeout=PATIENCE * 2)
    finally:
        process.kill()
    assert process.returncode == code, f"ended with {process.returncode}:\n{output}{errors}"
    return output


class Kube:
    """The API server, as its administrator."""

    PATHS = {
        "Cluster": (f"apis/{POSTGRES}", "clusters"), "Database": (f"apis/{POSTGRES}", "databases"),
        "Pooler": (f"apis/{POSTGRES}", "poolers"), "Backup": (f"apis/{POSTGRES}", "backups"),
        "ScheduledBackup": (f"apis/{POSTGRES}", "scheduledbackups"), "Secret": ("api/v1", "secrets"), "Pod": ("api/v1", "pods"),
        "PersistentVolumeClaim": ("api/v1", "persistentvolumeclaims"), "Event": ("api/v1", "events"),
    }

    def __init__(self, directory: pathlib.Path):
        config = yaml.safe_load(pathlib.Path(os.environ["KUBECONFIG"]).read_text())
        cluster, user = config["clusters"][0]["cluster"], config["users"][0]["user"]
        self._address = cluster["server"].removeprefix("https://")
        self.authority = base64.b64decode(cluster["certificate-authority-data"]).decode()
        self._tls = ssl.create_default_context(cadata=self.authority)
        for kind in ("certificate", "key"):
            (directory / kind).write_bytes(base64.b64decode(user[f"client-{kind}-data"]))
        self._tls.load_cert_chain(directory / "certificate", directory / "key")
        self._local = threading.local()

    def request(self, method: str, path: str, body=None, content_type: str = "application/json") -> dict:
        for attempt in (1, 2):
            connection = getattr(self._local, "connection", None)
            if connection is None:
                connection = self._local.connection = http.client.HTTPSConnection(self._address, timeout=30, context=self._tls)
            try:
                connection.request(method, f"/{path}", None if body is None else json.dumps(body), {"Content-Type": content_type})
                response = connection.getresponse()
                answer = json.loads(response.read())
                break
            except (http.client.HTTPException, OSError):
                self._local.connection = None
                if attempt == 2:
                    raise
        if response.status == 404:
            raise KeyError(path)
        assert response.status < 300, f"{method} {path}: {answer.get('message', answer)}"
        return answer

    def _path(self, kind: str, namespace: str, name: str = "") -> str:
        group, plural = self.PATHS[kind]
        return f"{group}/namespaces/{namespace}/{plural}" + (f"/{name}" if name else "")

    def get(self, kind: str, namespace: str, name: str) -> dict:
        return self.request("GET", self._path(kind, namespace, name))

    def exists(self, kind: str, namespace: str, name: str) -> bool:
        try:
            return bool(self.get(kind, namespace, name))
        except KeyError:
            return False

    def list(self, kind: str, namespace: str, selector: str = "") -> list[dict]:
        query = f"?labelSelector={selector}" if selector else ""
        return self.request("GET", self._path(kind, namespace) + query)["items"]

    def delete(self, kind: str, namespace: str, name: str, grace: int | None = None):
        options = {} if grace is None else {"gracePeriodSeconds": grace}
        self.request("DELETE", self._path(kind, namespace, name), options)

    def make_namespace(self, name: str) -> str:
        self.request("POST", "api/v1/namespaces", {"metadata": {"name": name}})
        return name

    def make_secret(self, namespace: str, name: str, **values: str):
        self.request("POST", self._path("Secret", namespace), {"metadata": {"name": name}, "stringData": values})

    def secret(self, namespace: str, name: str) -> dict[str, str]:
        return {key: base64.b64decode(value).decode() for key, value in self.get("Secret", namespace, name)["data"].items()}

    def ready(self, kind: str, namespace: str, name: str) -> bool:
        """As CloudNativePG says it."""
        obj = self.get(kind, namespace, name)
        status = obj.get("status", {})
        if kind == "Cluster":
            return any(c["type"] == "Ready" and c["status"] == "True" for c in status.get("conditions", []))
        if kind == "Pooler":
            return status.get("instances") == obj["spec"]["instances"]
        return bool(status.get("applied")) and status.get("observedGeneration") == obj["metadata"]["generation"]

    def pods(self, namespace: str) -> dict[str, tuple]:
        """What changes when a Pod is made anew or a container of it is started again."""
        return {pod["metadata"]["name"]: (pod["metadata"]["uid"],) + tuple(
            (c["name"], c["containerID"], c["restartCount"]) for c in pod["status"].get("containerStatuses", []))
            for pod in self.list("Pod", namespace)}

    def sql(self, namespace: str, cluster: str, statement: str) -> str:
        """As the superuser, in the primary's Pod."""
        primary = self.get("Cluster", namespace, cluster)["status"]["currentPrimary"]
        run = subprocess.run(
            ["kubectl", "exec", "-i", "-n", namespace, primary, "-c", "postgres", "--", "psql", "-XAtq", "-v", "ON_ERROR_STOP=1"],
            input=statement, capture_output=True, text=True, timeout=60)
        assert run.returncode == 0, run.stderr
        return run.stdout.strip()


class Dbm:
    """The program under test."""

    def __init__(self, program: pathlib.Path):
        self.program = program

    def apply(self, namespace: str, *options) -> subprocess.Popen:
        """`apply --wait`, begun."""
        return self.start("apply", "-n", namespace, "--wait", "--timeout", f"{PATIENCE}s", *options)

    def applied(self, namespace: str, *options):
        """`apply --wait`, done."""
        finish(self.apply(namespace, *options))

    def start(self, *arguments) -> subprocess.Popen:
        return subprocess.Popen([self.program, *map(str, arguments)], stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def run(self, *arguments, code: int | None = 0) -> subprocess.CompletedProcess:
        run = subprocess.run([self.program, *map(str, arguments)], stdin=subprocess.DEVNULL,
                             capture_output=True, text=True, timeout=PATIENCE * 2)
        assert code is None or run.returncode == code, f"{arguments[0]} ended with {run.returncode}:\n{run.stdout}{run.stderr}"
        return run


@pytest.fixture(scope="session")
def kube(tmp_path_factory) -> Kube:
    if "E2E_INSIDE" not in os.environ:
        pytest.exit("these tests run inside a cluster of their own: make e2e, or test/e2e/box.sh pytest test/e2e", 1)
    signal.signal(signal.SIGTERM, lambda *_: pytest.exit("terminated"))
    os.environ["PGCONNECT_TIMEOUT"] = "15"
    return Kube(tmp_path_factory.mktemp("kube"))


@pytest.fixture(scope="session")
def dbm(kube) -> Dbm:
    built = [os.environ["CNPG_DBM"]] if "CNPG_DBM" in os.environ else [ROOT / "build/release/cnpg-dbm"]
    program = next((path for path in map(pathlib.Path, built) if path.exists()), None)
    assert program, "no cnpg-dbm: make build, or set CNPG_DBM"
    return Dbm(program.resolve())


@pytest.fixture(scope="session")
def s3(kube) -> str:
    """An S3 server that pods reach; its URL. It ends with the box."""
    host, port = S3.split(":")
    with subprocess.Popen([os.environ["E2E_S3"], S3, "my-backups"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        eventually("S3", lambda: socket.create_connection((host, int(port)), timeout=1).close() or True, 20)
        yield f"http://{S3}"
        server.kill()


@pytest.fixture(scope="session")
def helm() -> str:
    return shutil.which("helm", path=os.environ["E2E_BIN"])
