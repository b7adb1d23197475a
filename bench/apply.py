"""Time of `cnpg-dbm apply` on a real API server against `kubectl apply --server-side` and `kubectl diff --server-side`.

    make bench                                  10,000 objects
    apply.py --objects 2000 --kubectl 500       fewer
    apply.py --check                            asserts the goals of docs/performance.md (ratios only)

One server (test/kube: etcd, kube-apiserver, CloudNativePG's webhooks) and all of them on this machine's cores, so what the
server needs is part of every figure: the table says how much. kubectl gets fewer objects, in a namespace of its own, and is
compared by the object. Its own brake of 50 requests a second is off, as on any server with API Priority and Fairness; etcd
writes to the disk before it answers, as everywhere but in tests.
"""

import argparse
import dataclasses
import http.client
import os
import pathlib
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent
sys.path.insert(0, str(ROOT / "test/kube"))
sys.path.insert(0, str(HERE))
sys.dont_write_bytecode = True
from bench import A_CLUSTER_HAS, values_file  # noqa: E402
from kubejudge import Judge  # noqa: E402

GOAL_APPLY, GOAL_SAME = 10, 50
SERVERS = ("kube-apiserver", "etcd", "operator")
LISTS = ("/api/v1/namespaces/{}/secrets", *(f"/apis/postgresql.cnpg.io/v1/namespaces/{{}}/{kind}"
                                           for kind in ("clusters", "databases", "poolers", "scheduledbackups")))


@dataclasses.dataclass
class Figure:
    """One piece of work: seconds of the clock, and of processors."""

    what: str
    objects: int
    seconds: float = 0
    own: float = 0  # CPU of the program itself
    servers: dict[str, float] = dataclasses.field(default_factory=dict)

    @property
    def each(self) -> float:
        return self.seconds / self.objects

    def row(self) -> str:
        servers = " | ".join(f"{self.servers[name]:.1f}" for name in SERVERS)
        return f"| {self.what} | {self.objects:,} | {self.seconds:.2f} | {self.objects / self.seconds:,.0f} | {self.own:.2f} | {servers} |"


class Bench:
    def __init__(self, judge):
        self.judge = judge

    def cpu(self) -> dict[str, float]:
        tick = os.sysconf("SC_CLK_TCK")
        found = {}
        for name in SERVERS:
            fields = pathlib.Path(f"/proc/{self.judge.pid(name)}/stat").read_text().rpartition(")")[2].split()
            found[name] = (int(fields[11]) + int(fields[12])) / tick
        return found

    def measure(self, what: str, objects: int, work) -> Figure:
        """`work()` gives the seconds of CPU that it took itself."""
        figure = Figure(what, objects)
        before, began = self.cpu(), time.perf_counter()
        figure.own = work()
        figure.seconds = time.perf_counter() - began
        figure.servers = {name: now - before[name] for name, now in self.cpu().items()}
        print(figure.row(), flush=True)
        return figure

    @staticmethod
    def run(*command, log) -> float:
        process = subprocess.Popen([str(word) for word in command], stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            log.seek(0)
            sys.exit(f"{command[:4]} ended with {process.returncode}: {log.read()[-2000:].decode(errors='replace')}")
        return usage.ru_utime + usage.ru_stime

    def lists(self, namespace: str) -> float:
        """The bytes of all objects, not looked at."""
        began = time.process_time()
        connection = http.client.HTTPSConnection("127.0.0.1", self.judge.port, context=self.judge.tls)
        for path in LISTS:
            connection.request("GET", path.format(namespace), headers={"Accept": "application/json"})
            connection.getresponse().read()
        connection.close()
        return time.process_time() - began


def databases_for(objects: int) -> int:
    """Each database is three objects, and each cluster three more."""
    return round(objects / (3 + 3 / A_CLUSTER_HAS))


def render(program, values, namespace, path) -> int:
    """The number of objects."""
    with open(path, "wb") as output:
        subprocess.run([program, "template", "-f", values, "-n", namespace], stdout=output, stderr=subprocess.DEVNULL, check=True)
    return sum(line == "kind:" for line in (line[:5] for line in path.read_text().splitlines()))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--program", default=str(ROOT / "build/release/cnpg-dbm"))
    parser.add_argument("--objects", type=int, default=10_000)
    parser.add_argument("--kubectl", type=int, default=2_000, help="objects for kubectl, which takes long")
    parser.add_argument("--check", action="store_true", help="fail when a goal is missed")
    options = parser.parse_args()

    with Judge(fairness=True, durable=True) as judge, tempfile.TemporaryDirectory(prefix="dbm-bench-") as folder, \
            open(pathlib.Path(folder, "log"), "w+b") as log:
        bench, kubectl = Bench(judge), judge.program("kubectl")
        ours, theirs = judge.new_namespace("ours"), judge.new_namespace("theirs")
        for namespace in (ours, theirs):
            judge.apply({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "keys"}, "stringData": {
                "ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "AWS_DEFAULT_REGION": "r"}}, namespace)
        files = {}
        for namespace, objects in ((ours, options.objects), (theirs, options.kubectl)):
            files[namespace] = pathlib.Path(folder, f"{namespace}.yaml")
            files[namespace].write_text(values_file(databases_for(objects)))
        rendered, all_of_ours = (pathlib.Path(folder, f"{namespace}-objects.yaml") for namespace in (theirs, ours))
        count, total = (render(options.program, files[ns], ns, path) for ns, path in ((theirs, rendered), (ours, all_of_ours)))
        dbm = [options.program, "apply", "-f", files[ours], "-n", ours, "--kubeconfig", judge.kubeconfig]
        to_judge = [kubectl, "--kubeconfig", judge.kubeconfig]
        server_side = ["--server-side", "--field-manager=bench", "-f", rendered]

        print("| work | objects | seconds | objects/s | own CPU s | " + " | ".join(f"{name} CPU s" for name in SERVERS) + " |")
        print("|---|---:|---:|---:|---:|" + "---:|" * len(SERVERS))
        kubectl_first = bench.measure("kubectl apply --server-side", count, lambda: bench.run(*to_judge, "apply", *server_side, log=log))
        kubectl_same = bench.measure("kubectl diff --server-side, nothing differs", count,
                                     lambda: bench.run(*to_judge, "diff", *server_side, log=log))
        dbm_first = bench.measure("cnpg-dbm apply", total, lambda: bench.run(*dbm, log=log))
        dbm_same = min((bench.measure("cnpg-dbm apply, nothing differs", total, lambda: bench.run(*dbm, log=log)) for _ in range(3)),
                       key=lambda figure: figure.seconds)
        with open(os.devnull, "wb") as nowhere:
            command = [*to_judge, "get", "-n", ours, "secrets,clusters,databases,poolers,scheduledbackups", "-o", "json"]
            kubectl_get = bench.measure("kubectl get -o json", total, lambda: bench.run(*command, log=nowhere))
        plain = min((bench.measure("plain lists, the bytes alone", total, lambda: bench.lists(ours)) for _ in range(3)),
                    key=lambda figure: figure.seconds)

        print("\n| by the object | ratio | goal |")
        print("|---|---:|---:|")
        apply_ratio, same_ratio = kubectl_first.each / dbm_first.each, kubectl_same.each / dbm_same.each
        print(f"| first apply, against kubectl apply --server-side | {apply_ratio:.1f}x | {GOAL_APPLY}x |")
        print(f"| nothing differs, against kubectl diff --server-side | {same_ratio:.0f}x | {GOAL_SAME}x |")
        print(f"| nothing differs, against kubectl get -o json | {kubectl_get.each / dbm_same.each:.1f}x | |")
        print(f"| nothing differs, in times of the plain lists | {dbm_same.each / plain.each:.2f} | |")
        cores = os.cpu_count()
        served = sum(dbm_first.servers.values())
        print(f"\nOf the {dbm_first.seconds:.1f} s x {cores} cores of our first apply the servers took {served:.1f} s of CPU, "
              f"the program {dbm_first.own:.1f} s; a client that took nothing could not end before {served / cores:.1f} s.")
        missed = [f"first apply: {apply_ratio:.1f}x, not {GOAL_APPLY}x"] if apply_ratio < GOAL_APPLY else []
        missed += [f"nothing differs: {same_ratio:.0f}x, not {GOAL_SAME}x"] if same_ratio < GOAL_SAME else []
        for miss in missed:
            print(f"missed: {miss}")
        if options.check and missed:
            sys.exit(1)


main()
