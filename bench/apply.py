"""Time of `cnpg-dbm apply` on a real API server against `kubectl apply --server-side` and `kubectl diff --server-side`.

    make bench                                  10,000 objects
    apply.py --objects 2000 --kubectl 500       fewer
    apply.py --check                            asserts the goals of docs/performance.md (ratios only)

One server (test/kube: etcd, kube-apiserver, CloudNativePG's webhooks) and all of them on this machine's cores, so what the
server needs is part of every figure: the table says how much. kubectl gets fewer objects, in a namespace of its own, and is
compared by the object; etcd writes to the disk before it answers, as everywhere but in tests. The first apply is measured
again over a wire of 10 ms there and back, as from an office or a CI runner to a cloud: a client that asks for one object after
the other waits for each.
"""

import argparse
import asyncio
import dataclasses
import http.client
import os
import pathlib
import subprocess
import sys
import tempfile
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent
sys.path.insert(0, str(ROOT / "test/kube"))
sys.path.insert(0, str(HERE))
sys.dont_write_bytecode = True
from bench import A_CLUSTER_HAS, end, values_file  # noqa: E402
from kubejudge import Judge  # noqa: E402

GOAL_APPLY, GOAL_SAME = 10, 50
ROUND_TRIP = 0.010
SERVER_SIDE = ("--server-side", "--field-manager=bench")
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


class Wire:
    """A relay to a port of this machine: bytes come out in order, `delay` seconds after they came in."""

    def __init__(self, target: int, delay: float):
        self._target, self._delay = target, delay
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), daemon=True)

    def __enter__(self):
        self._thread.start()
        self._ready.wait()
        return self

    def __exit__(self, *_):
        self._loop.call_soon_threadsafe(self._ended.set)
        self._thread.join()

    async def _serve(self):
        self._loop, self._ended = asyncio.get_running_loop(), asyncio.Event()
        server = await asyncio.start_server(self._relay, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        await self._ended.wait()

    async def _relay(self, reader, writer):
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._target)
        await asyncio.gather(*(task for ends in ((reader, far_writer), (far_reader, writer)) for task in self._carry(*ends)))

    def _carry(self, reader, writer):
        """One direction: what takes bytes in, and what lets them out."""
        under_way = asyncio.Queue()

        async def leave():
            data = True
            while data:
                try:
                    data = await reader.read(1 << 16)
                except ConnectionError:
                    data = b""
                under_way.put_nowait((self._loop.time() + self._delay, data))

        async def arrive():
            while True:
                due, data = await under_way.get()
                await asyncio.sleep(max(0, due - self._loop.time()))
                if not data:
                    return writer.close()
                writer.write(data)

        return leave(), arrive()


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

    with tempfile.TemporaryDirectory(prefix="dbm-bench-") as folder, open(pathlib.Path(folder, "log"), "w+b") as log:
        print("| work | objects | seconds | objects/s | own CPU s | " + " | ".join(f"{name} CPU s" for name in SERVERS) + " |")
        print("|---|---:|---:|---:|---:|" + "---:|" * len(SERVERS))
        compare(options, folder, log)


def prepare(judge, program, folder, name: str, objects: int):
    """A namespace with what the objects need, the values file, and the objects in a file, with their number."""
    namespace = judge.new_namespace(name)
    judge.apply({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "keys"}, "stringData": {
        "ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "AWS_DEFAULT_REGION": "r"}}, namespace)
    values, rendered = (pathlib.Path(folder, f"{namespace}-{what}.yaml") for what in ("values", "objects"))
    values.write_text(values_file(databases_for(objects)))
    return namespace, values, rendered, render(program, values, namespace, rendered)


def far_away(judge, options, folder, log) -> tuple[Figure, Figure]:
    """The first apply of both over a wire that takes its time."""
    bench = Bench(judge)
    ours, values, _, total = prepare(judge, options.program, folder, "far-ours", options.objects)
    _, _, rendered, count = prepare(judge, options.program, folder, "far-theirs", options.kubectl // 4)
    with Wire(judge.port, ROUND_TRIP / 2) as wire:
        kubeconfig = judge.changed_kubeconfig(pathlib.Path(folder, "far-kubeconfig"), cluster={"server": f"https://127.0.0.1:{wire.port}"})
        theirs = bench.measure("kubectl apply --server-side, 10 ms away", count, lambda: bench.run(
            judge.program("kubectl"), "--kubeconfig", kubeconfig, "apply", *SERVER_SIDE, "-f", rendered, log=log))
        return theirs, bench.measure("cnpg-dbm apply, 10 ms away", total, lambda: bench.run(
            options.program, "apply", "-f", values, "-n", ours, "--kubeconfig", kubeconfig, log=log))


def compare(options, folder, log):
    with Judge(fairness=True, durable=True) as judge:
        bench, kubectl = Bench(judge), [judge.program("kubectl"), "--kubeconfig", judge.kubeconfig]
        ours, values, _, total = prepare(judge, options.program, folder, "ours", options.objects)
        _, _, rendered, count = prepare(judge, options.program, folder, "theirs", options.kubectl)
        dbm = [options.program, "apply", "-f", values, "-n", ours, "--kubeconfig", judge.kubeconfig]

        kubectl_first = bench.measure("kubectl apply --server-side", count,
                                      lambda: bench.run(*kubectl, "apply", *SERVER_SIDE, "-f", rendered, log=log))
        kubectl_same = bench.measure("kubectl diff --server-side, nothing differs", count,
                                     lambda: bench.run(*kubectl, "diff", *SERVER_SIDE, "-f", rendered, log=log))
        dbm_first = bench.measure("cnpg-dbm apply", total, lambda: bench.run(*dbm, log=log))
        dbm_same = min((bench.measure("cnpg-dbm apply, nothing differs", total, lambda: bench.run(*dbm, log=log)) for _ in range(3)),
                       key=lambda figure: figure.seconds)
        with open(os.devnull, "wb") as nowhere:
            command = [*kubectl, "get", "-n", ours, "secrets,clusters,databases,poolers,scheduledbackups", "-o", "json"]
            kubectl_get = bench.measure("kubectl get -o json", total, lambda: bench.run(*command, log=nowhere))
        plain = min((bench.measure("plain lists, the bytes alone", total, lambda: bench.lists(ours)) for _ in range(3)),
                    key=lambda figure: figure.seconds)
        far_theirs, far_ours = far_away(judge, options, folder, log)

    goals = [("first apply, against kubectl apply --server-side", kubectl_first.each / dbm_first.each, GOAL_APPLY),
             ("the same, 10 ms away from the server", far_theirs.each / far_ours.each, GOAL_APPLY),
             ("nothing differs, against kubectl diff --server-side", kubectl_same.each / dbm_same.each, GOAL_SAME)]
    print("\n| by the object | ratio | goal |")
    print("|---|---:|---:|")
    for what, ratio, goal in goals:
        print(f"| {what} | {ratio:.1f}x | {goal}x |")
    print(f"| nothing differs, against kubectl get -o json | {kubectl_get.each / dbm_same.each:.1f}x | |")
    print(f"| nothing differs, in times of the plain lists | {dbm_same.each / plain.each:.2f} | |")
    cores = os.cpu_count()
    served = sum(dbm_first.servers.values())
    print(f"\nOf the {dbm_first.seconds:.1f} s x {cores} cores of our first apply the servers took {served:.1f} s of CPU, "
          f"the program {dbm_first.own:.1f} s; a client that took nothing could not end before {served / cores:.1f} s.")
    end([f"{what}: {ratio:.1f}x, not {goal}x" for what, ratio, goal in goals if ratio < goal], options.check)


if __name__ == "__main__":
    main()
