"""A folder of the local engine for a test, and ways into the servers that run in it."""

import concurrent.futures
import contextlib
import json
import os
import pathlib
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "cli"))
import golden  # noqa: E402

PATIENCE = 20  # seconds for what takes a moment; nothing waits so long when all is well
ROOM = 6 << 30  # bytes that these tests may need at a time


def place() -> str:
    """Memory where there is enough: servers write much that nobody needs to keep."""
    memory = "/dev/shm"
    return memory if os.access(memory, os.W_OK | os.X_OK) and shutil.disk_usage(memory).free > ROOM else "/tmp"


def wait_for(condition, what: str, patience: float = PATIENCE):
    """Looks until the condition holds, and gives what it gave."""
    deadline = time.monotonic() + patience
    while not (found := condition()):
        assert time.monotonic() < deadline, f"in vain: {what}"
        time.sleep(0.01)
    return found


def at_once(function, items, workers: int = 4) -> list:
    with concurrent.futures.ThreadPoolExecutor(workers) as pool:
        return list(pool.map(function, items))


def values(*databases, name: str = "main", **cluster) -> dict:
    """A values file of one small cluster; a database is its name, or all of it."""
    return {"clusters": {name: {
        "enabled": True, "instances": 1, "sharedBuffers": "16MB", "imageName": "ghcr.io/cloudnative-pg/postgresql:15.8",
        "minWalSize": "80MB", "postgresql": {"parameters": {"fsync": "off"}},
        "databases": [{"name": d, "owner": d} if isinstance(d, str) else d for d in databases], **cluster}}}


class Folder:
    """`--dir` of a test: reachable by the user whom the servers run as, short enough for sockets in it."""

    def __init__(self):
        self.path = pathlib.Path(tempfile.mkdtemp(prefix="dbml-", dir=place()))
        self.path.chmod(0o755)
        self.dir = self.path / "e"
        self.file = self.path / "values.yaml"

    # ---- the program ----
    def write(self, content: dict) -> pathlib.Path:
        self.file.write_text(json.dumps(content))
        return self.file

    def words(self, command: str, *arguments) -> list[str]:
        takes_values = command in ("up", "backup", "restore", "audit")
        return [golden.program(), command, "--dir", str(self.dir), *(["-f", str(self.file)] if takes_values else []),
                *map(str, arguments)]

    def call(self, command: str, *arguments, env=None, timeout=180) -> subprocess.CompletedProcess:
        return subprocess.run(self.words(command, *arguments), stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              timeout=timeout, cwd="/", env={**os.environ, "PGCONNECT_TIMEOUT": "10", **(env or {})})

    def run(self, command: str, *arguments, exit_code: int = 0, **options) -> subprocess.CompletedProcess:
        done = self.call(command, *arguments, **options)
        assert done.returncode == exit_code, f"{command} {arguments}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done

    def up(self, content: dict | None = None, *arguments, exit_code: int = 0, **options) -> dict:
        """The only cluster's part of `up -o json`, with what was said besides as "stderr"."""
        if content is not None:
            self.write(content)
        done = self.run("up", "-o", "json", *arguments, exit_code=exit_code, **options)
        if not done.stdout:
            return {"stderr": done.stderr}
        return {**json.loads(done.stdout)["clusters"][0], "stderr": done.stderr}

    def start(self, command: str, *arguments) -> subprocess.Popen:
        return subprocess.Popen(self.words(command, *arguments), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, text=True, cwd="/")

    # ---- what it left ----
    def state(self, cluster: str = "main") -> dict:
        return json.loads((self.dir / "state.json").read_text())["clusters"][cluster]

    def passwords(self, cluster: str = "main") -> dict[str, str]:
        held = json.loads((self.dir / "passwords.json").read_text())[cluster]
        return {role: entry["password"] for role, entry in held.items()}

    def cluster(self, name: str = "main") -> pathlib.Path:
        return self.dir / "clusters" / name

    def data(self, instance: int = 1, cluster: str = "main") -> pathlib.Path:
        return self.cluster(cluster) / f"instance-{instance}"

    def postmaster(self, instance: int = 1, cluster: str = "main") -> int:
        return int((self.data(instance, cluster) / "postmaster.pid").read_text().split()[0])

    def pooler(self, name: str, cluster: str = "main") -> int:
        return int((self.cluster(cluster) / "poolers" / name / "pgbouncer.pid").read_text())

    # ---- ways in ----
    def admin(self, sql: str, database: str = "postgres", cluster: str = "main") -> str:
        return self.run("psql", "--admin", f"{cluster}/{database}", "--", "-XAtq", "-v", "ON_ERROR_STOP=1", "-c",
                        sql).stdout.strip()

    def enter(self, role: str, database: str, sql: str = "SELECT 1", *, password: str | None = None, port: int = 0,
              host: str = "127.0.0.1", cluster: str = "main", sslmode: str = "require") -> subprocess.CompletedProcess:
        """A tenant's own psql, over TCP."""
        environment = {k: v for k, v in os.environ.items() if not k.startswith("PG")}
        environment.update(PGHOST=host, PGPORT=str(port or self.state(cluster)["port"]), PGUSER=role,
                           PGDATABASE=database, PGSSLMODE=sslmode, PGCONNECT_TIMEOUT="10",
                           PGPASSWORD=self.passwords(cluster).get(role, "") if password is None else password)
        return subprocess.run(["psql", "-XAtqw", "-v", "ON_ERROR_STOP=1", "-c", sql], stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, env=environment, cwd="/", timeout=60)

    def ask(self, role: str, database: str, sql: str, **options) -> str:
        done = self.enter(role, database, sql, **options)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    # ---- the end ----
    def processes(self) -> list[int]:
        """Whatever runs in this folder: servers, and what a killed run left."""
        found = []
        for entry in pathlib.Path("/proc").iterdir():
            if not entry.name.isdigit() or int(entry.name) == os.getpid():
                continue
            with contextlib.suppress(OSError):
                here = f"{self.path}/"
                if (here in (entry / "cmdline").read_text(errors="replace")
                        or (str((entry / "cwd").readlink()) + "/").startswith(here)):
                    found.append(int(entry.name))
        return found

    def close(self) -> None:
        try:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.call("down", timeout=60)
        finally:
            for number in (signal.SIGQUIT, signal.SIGKILL):
                for pid in self.processes():
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(pid, number)
                with contextlib.suppress(AssertionError):
                    wait_for(lambda: not self.processes(), "the end of the servers", 10)
            shutil.rmtree(self.path)


@contextlib.contextmanager
def folder():
    it = Folder()
    try:
        yield it
    finally:
        it.close()


def owner() -> str:
    """Whom the servers run as."""
    return "postgres" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name
