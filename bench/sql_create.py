#!/usr/bin/env python3
"""sql_create.py [--tenants N] [--connections N] BUILD

Tenants made by converge() against a loop of createuser and createdb, on the same server with
default durability. Prints the milliseconds a tenant and their ratio, and how long it takes to see
that nothing is to be done against a connection with one catalog query."""
import argparse
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time


def programs():
    found = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin/initdb"),
                   key=lambda p: int(p.parts[-3]))
    where = found[-1] if found else shutil.which("initdb")
    if not where:
        sys.exit("sql_create: needs PostgreSQL's server")
    return pathlib.Path(where).parent


class Server:
    """On a socket in a temporary folder, gone with it."""

    def __init__(self):
        self.bin = programs()
        self.folder = tempfile.mkdtemp(prefix="dbm-bench-")
        self.run_as = {"user": "postgres", "group": "postgres"} if os.geteuid() == 0 else {}
        if self.run_as:
            shutil.chown(self.folder, "postgres")
        self.env = {"PATH": os.environ["PATH"], "LC_ALL": "C", "PGHOST": self.folder,
                    "PGPORT": "5432", "PGUSER": "postgres"}
        data = f"{self.folder}/data"
        common = {"cwd": self.folder, "stdout": subprocess.DEVNULL, "extra_groups": [],
                  **self.run_as} if self.run_as else {"cwd": self.folder,
                                                      "stdout": subprocess.DEVNULL}
        subprocess.run([self.bin / "initdb", "-D", data, "-U", "postgres", "-A", "trust",
                        "--data-checksums"], check=True, **common)
        self.process = subprocess.Popen(
            [self.bin / "postgres", "-D", data, "-c", "listen_addresses=", "-c",
             f"unix_socket_directories={self.folder}"], stderr=subprocess.DEVNULL, **common)
        while self.call("psql", "-qc", "SELECT 1", check=False).returncode != 0:
            if self.process.poll() is not None:
                sys.exit("sql_create: the server does not start")
        self.call("psql", "-qc", "CHECKPOINT")

    def call(self, program, *words, check=True):
        return subprocess.run([self.bin / program, *words], env=self.env, check=check,
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def stop(self):
        self.process.send_signal(2)
        self.process.wait()
        shutil.rmtree(self.folder)


def seconds(work):
    start = time.monotonic()
    work()
    return time.monotonic() - start


def loop(server, count):
    for i in range(count):
        server.call("createuser", f"loop-{i}")
        server.call("createdb", "-O", f"loop-{i}", f"loop-{i}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("build")
    parser.add_argument("--tenants", type=int, default=500)
    parser.add_argument("--connections", type=int, default=4)
    args = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # stops the server on the way
    server = Server()
    try:
        rival = seconds(lambda: loop(server, args.tenants)) * 1000
    finally:
        server.stop()
    server = Server()
    try:
        tool = subprocess.run([f"{args.build}/converge_tool", server.folder, "5432",
                               str(args.tenants), str(args.connections)],
                              check=True, capture_output=True, text=True)
        made, again, changed = (float(word) for word in tool.stdout.split())
        query = min(seconds(lambda: server.call("psql", "-c", "SELECT * FROM pg_database"))
                    for _ in range(5)) * 1000
    finally:
        server.stop()
    n = args.tenants
    print(f"{n} tenants: loop {rival / n:.1f} ms each, converge {made / n:.1f} ms each: "
          f"{rival / made:.1f} times as fast")
    print(f"again, {changed:.0f} changes: {again:.1f} ms; psql with one query: {query:.1f} ms")


main()
