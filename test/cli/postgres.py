"""A PostgreSQL server of one's own for a test: on the loopback, gone afterwards."""

import contextlib
import os
import pathlib
import shutil
import socket
import subprocess
import tempfile

PASSWORD = "of-the-superuser"


def programs() -> pathlib.Path:
    newest = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda p: int(p.parts[4]))
    found = str(newest[-1]) if newest else shutil.which("initdb")
    assert found, "install PostgreSQL's server"
    return pathlib.Path(found).parent


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Server:
    def __init__(self, folder: pathlib.Path):
        self.data = folder / "data"
        self.port = 0  # until it runs
        self.bin = programs()
        # As root it runs as the user postgres.
        self.prefix = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"] if os.geteuid() == 0 else []

    def call(self, program: str, *arguments, **options) -> subprocess.CompletedProcess:
        return subprocess.run([*self.prefix, self.bin / program, *map(str, arguments)], check=True, cwd=self.data.parent,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, **options)

    def start(self, attempts: int = 5) -> None:
        """On a port that was free a moment ago; on another one when somebody was quicker."""
        self.port = free_port()
        options = (f"-c listen_addresses=127.0.0.1 -c port={self.port} -c unix_socket_directories= -c fsync=off "
                   "-c shared_buffers=16MB")
        try:
            self.call("pg_ctl", "-D", self.data, "-l", self.data.parent / "log", "-w", "-o", options, "start")
        except subprocess.CalledProcessError:
            if attempts == 1:
                raise
            self.start(attempts - 1)

    def psql(self, sql: str) -> str:
        environment = {**os.environ, "PGPASSWORD": PASSWORD}
        return self.call("psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1", "-p", self.port, "-U", "postgres",
                         "-c", sql, "postgres", env=environment).stdout.strip()

    def hba(self, lines: list[str]) -> None:
        """Written before the server starts."""
        text = "host postgres postgres 127.0.0.1/32 scram-sha-256\n" + "".join(line + "\n" for line in lines)
        (self.data / "pg_hba.conf").write_text(text)


@contextlib.contextmanager
def server(hba: list[str]):
    folder = pathlib.Path(tempfile.mkdtemp(prefix="dbm-pg-"))
    it = Server(folder)
    try:
        (folder / "password").write_text(PASSWORD)
        if it.prefix:
            shutil.chown(folder, "postgres", "postgres")
            shutil.chown(folder / "password", "postgres", "postgres")
        it.call("initdb", "-D", it.data, "-U", "postgres", "--pwfile", folder / "password", "--auth=scram-sha-256",
                "--no-sync", "--no-locale", "-E", "UTF8")
        it.hba(hba)
        it.start()
        try:
            yield it
        finally:
            it.call("pg_ctl", "-D", it.data, "-w", "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder)
