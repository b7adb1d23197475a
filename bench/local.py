"""Tenants made by `cnpg-dbm up` against a loop of createuser and createdb on the same server, and an `up` with nothing to do
against connecting and one catalog query.

    make bench                        all
    local.py --tenants 100            fewer
    local.py --check                  fails when a goal is missed (ratios only)

Both ways take turns on one server with default durability, so that a busy disk slows both.
"""

import argparse
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

from bench import end

ROOT = pathlib.Path(__file__).resolve().parent.parent
AS_POSTGRES = {"user": "postgres", "group": "postgres", "extra_groups": []} if os.geteuid() == 0 else {}
CATALOGS = ("SELECT d.datname, r.rolname, d.datacl, d.datconnlimit FROM pg_database d JOIN pg_roles r ON r.oid = d.datdba; "
            "SELECT rolname, rolcanlogin, rolpassword, rolconnlimit FROM pg_authid")


class Engine:
    """One cluster of the local engine, in a folder of its own (with a short name: its socket is there)."""

    def __init__(self, program: str):
        self.program = program
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="b-", dir="/tmp"))
        self.folder.chmod(0o755)
        self.values = self.folder / "values.yaml"
        self.databases: list[str] = []

    def up(self) -> float:
        lines = ["clusters:", "  bench:", "    enabled: true", "    instances: 1", "    maxConnections: 100"]
        lines += ["    databases:"] * bool(self.databases)
        lines += [f"      - {{name: {name}, owner: {name}}}" for name in self.databases]
        self.values.write_text("\n".join(lines) + "\n")
        return self.again()

    def again(self) -> float:
        return timed([self.program, "up", "-f", self.values, "--dir", self.folder / "data"])

    def client(self, *words: str) -> float:
        state = json.loads((self.folder / "data/state.json").read_text())
        port = str(state["clusters"]["bench"]["port"])
        environment = {"PATH": os.environ["PATH"], "PGHOST": str(self.folder / "data/run/bench-1"), "PGPORT": port, "PGUSER": "postgres"}
        return timed(list(words), env=environment, cwd="/", **AS_POSTGRES)

    def remove(self):
        subprocess.run([self.program, "down", "--dir", self.folder / "data"], capture_output=True)
        shutil.rmtree(self.folder)


def timed(words: list, **options) -> float:
    started = time.perf_counter()
    done = subprocess.run(words, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, **options)
    if done.returncode:
        sys.exit(f"{words} ended with {done.returncode}: {done.stderr[-2000:]}")
    return time.perf_counter() - started


def creating(engine: Engine, tenants: int, rounds: int) -> float:
    each = tenants // rounds
    ours = rival = 0.0
    ratios = []
    for number in range(rounds):
        loop = 0.0
        for i in range(each):
            name = f"loop_{number}_{i}"
            loop += engine.client("createuser", name) + engine.client("createdb", "-O", name, name)
        engine.databases += [f"ours_{number}_{i}" for i in range(each)]
        made = engine.up()
        ratios.append(loop / made)
        ours, rival = ours + made, rival + loop
    print(f"| creating {each * rounds:,} tenants | {rival:.1f} s (createuser and createdb, one after the other) | {ours:.1f} s | "
          f"**{rival / ours:.1f}x** (rounds of {each}: {', '.join(f'{r:.1f}' for r in ratios)}) |", flush=True)
    return rival / ours


def nothing_to_do(engine: Engine, databases: int) -> float:
    engine.databases = [f"db_{i:04}" for i in range(databases)]
    engine.up()
    ours, query = [], []
    for _ in range(15):
        ours.append(engine.again())
        query.append(engine.client("psql", "-XAtqc", CATALOGS))
    ratio = statistics.median(ours) / statistics.median(query)
    print(f"| `up` with nothing to do, {databases:,} databases | {statistics.median(query) * 1000:.0f} ms (psql, one catalog query) | "
          f"{statistics.median(ours) * 1000:.0f} ms | **{ratio:.2f}x the time** |", flush=True)
    return ratio


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--program", default=str(ROOT / "build/release/cnpg-dbm"))
    parser.add_argument("--tenants", type=int, default=500)
    parser.add_argument("--databases", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args()
    print("| work | rival | cnpg-dbm | ratio |\n|---|---:|---:|---:|")
    failed = []
    for measure, argument in ((creating, (options.tenants, options.rounds)), (nothing_to_do, (options.databases,))):
        engine = Engine(options.program)
        try:
            engine.up()
            ratio = measure(engine, *argument)
        finally:
            engine.remove()
        if measure is creating and ratio < 3:
            failed.append(f"creating tenants: {ratio:.1f}x as fast, not 3x")
        if measure is nothing_to_do and ratio > 2:
            failed.append(f"nothing to do: {ratio:.2f}x the time of a query, not 2x")
    end(failed, options.check)


main()
