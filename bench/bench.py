"""Time and memory of `cnpg-dbm template` and `validate` against `helm template` of bench/chart, which makes the same objects.

    make bench                                  all sizes, Helm 3 and Helm 4
    bench.py --sizes 10,1000                    some
    bench.py --helm PROGRAM                     that Helm alone; may be repeated
    bench.py --check                            asserts the goals of docs/performance.md (ratios only)

Every run of a program is a process of its own; the best of several counts. Output goes to /dev/null; for 10,000 databases also
through a pipe that another process reads, as in `… template | kubectl apply -f -`. First the objects are compared, passwords
apart: a bench between programs that do different things says nothing.
"""

import argparse
import base64
import dataclasses
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time

import yaml

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent
A_CLUSTER_HAS = 100  # databases


def values_file(databases: int) -> str:
    """Clusters of 100 databases, each cluster with a pooler and a backup."""
    lines = ["clusters:"]
    for first in range(0, databases, A_CLUSTER_HAS):
        name = f"c{first // A_CLUSTER_HAS:04}"
        lines += [f"  {name}:", "    enabled: true", "    maxConnections: 400", "    storage:", "      size: 20Gi", "    databases:"]
        for i in range(first, min(first + A_CLUSTER_HAS, databases)):
            lines += [f"      - name: app_{i:06}", f"        owner: owner_{i:06}"]
        lines += ["    poolers:", "      - name: rw", "        instances: 2", "        poolMode: transaction",
                  "        parameters:", '          default_pool_size: "1"',
                  "    backup:", "      enabled: true", '      schedule: "0 0 3 * * *"', "      s3:", "        bucket: backups",
                  f"        path: {name}", "        region: eu-central-1", "        credentials:", "          existingSecret: keys"]
    return "\n".join(lines) + "\n"


class Run:
    """One process: wall time in seconds, peak memory in MiB.

    time(1) starts it: the peak of a process that Python starts begins with Python's own. `piped`: this process reads it.
    """

    def __init__(self, command: list[str], piped: bool = False):
        with tempfile.NamedTemporaryFile("r") as usage, tempfile.TemporaryFile() as errors:
            timed = ["/usr/bin/time", "-f", "%M", "-o", usage.name, *command]
            started = time.perf_counter()
            stdout = subprocess.PIPE if piped else subprocess.DEVNULL
            with subprocess.Popen(timed, stdout=stdout, stderr=errors, stdin=subprocess.DEVNULL) as process:
                if piped:
                    drain(process.stdout.fileno())
                code = process.wait()
            self.seconds = time.perf_counter() - started
            if code:
                errors.seek(0)
                sys.exit(f"{command} ended with {code}: {errors.read().decode()[-2000:]}")
            self.mib = int(usage.read().split()[-1]) / 1024


def drain(pipe: int, size: int = 1 << 16):
    """Reads to the end, a full pipe at a time, and keeps nothing."""
    buffer = bytearray(size)
    while os.readv(pipe, [buffer]):
        pass


def best(command: list[str], seconds: float = 3.0, least: int = 3, most: int = 200, piped: bool = False) -> Run:
    runs, until = [], time.perf_counter() + seconds
    while len(runs) < least or (time.perf_counter() < until and len(runs) < most):
        runs.append(Run(command, piped))
        if runs[0].seconds > 20:
            break
    fastest = min(runs, key=lambda run: run.seconds)
    fastest.mib = min(run.mib for run in runs)
    return fastest


PASSWORD = re.compile(r"(?<![A-Za-z0-9])[A-Za-z0-9]{32}(?![A-Za-z0-9])")


def objects(command: list[str]) -> dict:
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    found = {}
    for document in yaml.load_all(text, yaml.CSafeLoader):
        if not document:
            continue
        if document["kind"] == "Secret":
            document["data"] = {key: PASSWORD.sub("(password)", base64.b64decode(value).decode())
                                for key, value in document["data"].items()}
        found[document["kind"], document["metadata"]["name"]] = document
    return found


def find_helms() -> list[str]:
    """Of each major version one."""
    built = subprocess.run([ROOT / "test/kube/build.sh", "admission"], stdout=subprocess.PIPE, text=True, check=True)
    folder = pathlib.Path(built.stdout.split()[-1]) / "bin"
    return [str(folder / name) for name in ("helm", "helm4")]


@dataclasses.dataclass
class Helm:
    """A rival. `name`: "helm 3.22"."""

    program: str

    def __post_init__(self):
        version = [self.program, "version", "--template", "{{.Version}}"]
        said = subprocess.run(version, capture_output=True, text=True, check=True).stdout
        self.name = "helm " + ".".join(said.strip().lstrip("v").split(".")[:2])

    def command(self, path, applyset: str) -> list[str]:
        flags = ["-f", str(path), "--set", f"applyset={applyset}"]
        return [self.program, "template", "databases", str(HERE / "chart"), *flags]


def size_of_program(path: str) -> str:
    return f"{os.path.getsize(path) / 1e6:.1f} MB"


def end(missed: list[str], check: bool):
    """Tells the goals that were missed; with --check that is a failure."""
    for miss in missed:
        print(f"missed: {miss}")
    if check and missed:
        sys.exit(1)


def compare_objects(ours: dict, theirs: dict, rival: str):
    different = [key for key in ours.keys() | theirs.keys() if ours.get(key) != theirs.get(key)]
    if different:
        for key in sorted(different)[:3]:
            print(f"{key}:\n  cnpg-dbm: {str(ours.get(key))[-300:]}\n  {rival}: {str(theirs.get(key))[-300:]}")
        sys.exit(f"{len(different)} of {len(ours)} objects differ from those of {rival}: nothing to compare")
    print(f"cnpg-dbm and {rival} make the same {len(ours)} objects of 250 databases (passwords apart)")


def print_row(databases: int, output: str, rival: str, theirs: Run | None, ours: Run, validate: Run | None):
    cells = [f"{databases:,}", output]
    if theirs:
        cells += [rival, f"{theirs.seconds * 1000:,.0f} ms", f"{ours.seconds * 1000:,.1f} ms",
                  f"{theirs.seconds / ours.seconds:,.0f}x", f"{theirs.mib:,.0f} MiB", f"{ours.mib:,.0f} MiB", f"{theirs.mib / ours.mib:,.1f}x"]
    else:
        cells += ["-", "-", f"{ours.seconds * 1000:,.1f} ms", "-", "-", f"{ours.mib:,.0f} MiB", "-"]
    cells.append(f"{validate.seconds * 1000:,.1f} ms" if validate else "-")
    print(f"| {' | '.join(cells)} |", flush=True)


def missed_at_10_000(rival: str, theirs: Run, ours: Run, piped: bool) -> list[str]:
    goal, ratio, memory = 60 if piped else 100, theirs.seconds / ours.seconds, theirs.mib / ours.mib
    how = " through a pipe" if piped else ""
    missed = [f"10,000 databases{how}: {ratio:.0f}x as fast as {rival}, not {goal}x"] if ratio < goal else []
    return missed + ([f"10,000 databases{how}: 1/{memory:.1f} of the memory of {rival}, not 1/5"] if memory < 5 else [])


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--program", default=str(ROOT / "build/release/cnpg-dbm"))
    parser.add_argument("--helm", action="append", help="a Helm to compare with (default: Helm 3 and 4 of test/kube)")
    parser.add_argument("--sizes", default="10,1000,10000,100000")
    parser.add_argument("--helm-limit", type=int, default=100_000, help="largest size that Helm renders too")
    parser.add_argument("--check", action="store_true", help="fail when a goal is missed")
    options = parser.parse_args()
    dbm = options.program
    helms = [Helm(program) for program in options.helm or find_helms()]
    sizes = [int(size) for size in options.sizes.split(",")]

    with tempfile.TemporaryDirectory(prefix="dbm-bench-") as folder:
        files = {}
        for size in sizes:
            files[size] = pathlib.Path(folder, f"{size}.yaml")
            files[size].write_text(values_file(size))
        small = pathlib.Path(folder, "small.yaml")
        small.write_text(values_file(250))

        ours = objects([dbm, "template", "-f", str(small)])
        applyset = next(iter(ours.values()))["metadata"]["labels"]["applyset.kubernetes.io/part-of"]
        for helm in helms:
            compare_objects(ours, objects(helm.command(small, applyset)), helm.name)
        programs = [("cnpg-dbm", dbm), *((helm.name, helm.program) for helm in helms)]
        print("programs: " + ", ".join(f"{name} {size_of_program(path)}" for name, path in programs) + "\n")
        print("| databases | output to | rival | rival template | cnpg-dbm template | faster | memory rival | memory cnpg-dbm "
              "| less | cnpg-dbm validate |\n|---:|---|---|---:|---:|---:|---:|---:|---:|---:|")
        measured, missed = {}, []
        for size in sizes:
            command = [dbm, "template", "-f", str(files[size])]
            measured[size] = template = best(command)
            validate = best([dbm, "validate", "-f", str(files[size])])
            if size > options.helm_limit:
                print_row(size, "/dev/null", "", None, template, validate)
            for piped in (False, True) if size == 10_000 else (False,):
                mine = best(command, piped=True) if piped else template
                for helm in helms if size <= options.helm_limit else ():
                    theirs = best(helm.command(files[size], applyset), seconds=1.0, piped=piped)
                    output, validated = ("a pipe", None) if piped else ("/dev/null", validate)
                    print_row(size, output, helm.name, theirs, mine, validated)
                    missed += missed_at_10_000(helm.name, theirs, mine, piped) if size == 10_000 else []
            if size == 10_000 and validate.seconds > template.seconds:
                missed.append("10,000 databases: validate is slower than template")
            if size == 100_000 and template.mib > 500:
                missed.append(f"100,000 databases: {template.mib:.0f} MiB, not under 500")
        if {10_000, 100_000} <= measured.keys():
            growth = measured[100_000].seconds / measured[10_000].seconds
            print(f"\n100,000 databases take {growth:.1f}x the time of 10,000")
            if growth > 11:
                missed.append(f"100,000 databases take {growth:.1f}x the time of 10,000, not 11x")
        version = best([dbm, "version"])
        print(f"version: {version.seconds * 1000:.1f} ms, {version.mib:.0f} MiB")
        end(missed, options.check)


if __name__ == "__main__":
    main()
