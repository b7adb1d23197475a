"""What breaks between the program and the server, at every request of an apply, does no harm: the next run ends where an
undisturbed one would."""

import base64
import collections
import json
import re
import signal
import subprocess
import threading
import time

import pytest

from faultproxy import (Answer, Fault, FaultProxy, delay, go_away, half, hang, internal_error, kill_after, kill_before, not_json, reset_after,
                        reset_before, says, too_many, unavailable)
from kubejudge import Judge
from releases import (DONE, INTERRUPTED, REFUSED, TIMED_OUT, Release, differences, in_parallel, service_account, shop, until, worth_breaking)

FIRST = shop("orders", {"name": "customers", "owner": "customers", "connectionLimit": 3}, poolers=[{"name": "rw"}])
THEN = shop("orders", {"name": "more", "owner": "more"}, parameters={"log_min_duration_statement": "5"})  # change, prune, create

ENDS = (DONE, REFUSED, TIMED_OUT)
Reference = collections.namedtuple("Reference", "requests first then")


@pytest.fixture(scope="module")
def reference(judge, program, knows, warm, tmp_path_factory):
    """What undisturbed runs make, and the number of their requests."""
    knows("apply")
    release = Release(program, judge, tmp_path_factory.mktemp("reference"))
    requests: dict[str, list[int]] = {}
    with FaultProxy(judge) as proxy:
        release.run("apply", values=FIRST, proxy=proxy)
        requests["first"] = worth_breaking(proxy.log)
    first = release.normalised()
    with FaultProxy(judge) as proxy:
        release.run("apply", values=THEN, proxy=proxy)
        requests["then"] = worth_breaking(proxy.log)
    return Reference(requests, first, release.normalised())


class Sweep:
    """One fault at each request of an apply in turn, each time in a namespace of its own."""

    def __init__(self, releases, reference, act, *, http2=True, codes=ENDS, threads=3):
        self.releases, self.reference, self.act = releases, reference, act
        self.http2, self.codes, self.threads = http2, codes, threads

    def first(self) -> list[str]:
        return self._sweep(self.reference.requests["first"], self._at_first)

    def then(self) -> list[str]:
        return self._sweep(self.reference.requests["then"], self._at_second)

    def _sweep(self, numbers, at) -> list[str]:
        self.hits = 0
        wrong = [said for said in in_parallel(at, numbers, self.threads) if said]
        assert self.hits > len(numbers) * 2 // 3, f"only {self.hits} of {len(numbers)} requests were met"
        return wrong

    def _at_first(self, number) -> str | None:
        release = self.releases()
        return self._disturbed(release, FIRST, number) or self._converges(release, FIRST, self.reference.first, number)

    def _at_second(self, number) -> str | None:
        release = self.releases()
        release.apply(FIRST)
        passwords = release.passwords()
        said = self._disturbed(release, THEN, number)
        if said := said or self._converges(release, THEN, self.reference.then, number):
            return said
        changed = [key for key, password in passwords.items() if release.passwords().get(key, password) != password]
        return f"{number}: other passwords: {changed}" if changed else None

    def _disturbed(self, release, values, number) -> str | None:
        with FaultProxy(release.judge, [Fault(self.act, number)], http2=self.http2) as proxy:
            done = release.end(release.start("apply", values=values, proxy=proxy))
            self.hits += bool(proxy.faults[0].hits)
            where = str(proxy.faults[0].hits[0]) if proxy.faults[0].hits else f"{number}. (not reached)"
            if done.code not in self.codes:
                return f"{where}: {done}"
            if done.code not in (DONE, -signal.SIGKILL) and not done.err.strip():
                return f"{where}: ended with {done.code} and says nothing"
        return None

    @staticmethod
    def _converges(release, values, wanted, number) -> str | None:
        done = release.apply(values, code=None)
        if done.code != DONE:
            return f"{number}: the next run: {done}"
        if found := differences(release.normalised(), wanted):
            return f"{number}: {found}"
        release.assert_one_password()
        before = release.versions()
        release.apply(values)
        return None if release.versions() == before else f"{number}: a third run still finds something to write"


FAULTS = {
    "reset before": reset_before, "reset after": reset_after, "half an answer": half, "go away": go_away, "delay": delay(0.1),
    "429": says(429, "TooManyRequests", "too many requests, please try again later", retry_after=0),
    "500": internal_error, "503": unavailable, "502": not_json,
    "410": says(410, "Expired", "The resourceVersion for the provided list is too old."),
    "409": says(409, "Conflict", "the object has been modified; please apply your changes to the latest version and try again"),
    "403": says(403, "Forbidden", "secrets is forbidden: User cannot do that"),
}
# What passes by itself is no reason to fail, wherever it happens: server-side apply may be sent twice
MENDED = {"reset before", "reset after", "half an answer", "go away", "delay", "429", "503"}


@pytest.mark.parametrize("fault", FAULTS)
def test_fault_at_every_request(releases, reference, fault):
    wrong = Sweep(releases, reference, FAULTS[fault], codes=(DONE,) if fault in MENDED else ENDS).first()
    assert not wrong, "\n".join(wrong[:5])


@pytest.mark.parametrize("fault", ["reset before", "reset after", "half an answer", "500"])
def test_fault_at_every_request_of_a_change(releases, reference, fault):
    wrong = Sweep(releases, reference, FAULTS[fault]).then()
    assert not wrong, "\n".join(wrong[:5])


@pytest.mark.parametrize("fault", ["reset after", "half an answer", "go away"])
def test_fault_at_every_request_of_http_1(releases, reference, fault):
    """Some load balancers speak no HTTP/2."""
    wrong = Sweep(releases, reference, FAULTS[fault], http2=False).first()
    assert not wrong, "\n".join(wrong[:5])


@pytest.mark.parametrize("act", [kill_before, kill_after], ids=["before", "after"])
def test_kill_at_every_request(releases, reference, act):
    wrong = Sweep(releases, reference, act, codes=(DONE, -signal.SIGKILL)).first()
    assert not wrong, "\n".join(wrong[:5])


@pytest.mark.parametrize("act", [kill_before, kill_after], ids=["before", "after"])
def test_kill_at_every_request_of_a_change(releases, reference, act):
    wrong = Sweep(releases, reference, act, codes=(DONE, -signal.SIGKILL)).then()
    assert not wrong, "\n".join(wrong[:5])


def test_interrupt_at_every_request(releases, reference):
    """Ctrl-C while the server does not answer: the end within moments, 130, and no harm."""
    def at(number):
        release = releases()
        fault = Fault(hang, number)
        with FaultProxy(release.judge, [fault]) as proxy:
            process = release.start("apply", values=FIRST, proxy=proxy)
            until(lambda: fault.hits or process.poll() is not None, f"request {number}")
            process.send_signal(signal.SIGINT)
            done = release.end(process, 20)
            if fault.hits and done.code != INTERRUPTED:
                return f"{fault.hits[0]}: {done}"
        return Sweep._converges(release, FIRST, reference.first, number)

    wrong = [said for said in in_parallel(at, reference.requests["first"]) if said]
    assert not wrong, "\n".join(wrong[:5])


# What lasts

@pytest.mark.parametrize("act", [reset_before, internal_error, unavailable, too_many], ids=["reset", "500", "503", "429"])
def test_a_fault_that_lasts_is_told(release, act):
    """It gives up by itself, says what the server said, and nothing was written."""
    with FaultProxy(release.judge, [Fault(act, lambda r: True, None)]) as proxy:
        began = time.monotonic()
        done = release.run("apply", "--timeout", "5s", values=shop(), proxy=proxy, code=(REFUSED, TIMED_OUT))
        assert len(proxy.log) < 100, "it hammers a server that is down"
    assert time.monotonic() - began < 45
    assert done.err.strip()
    assert not release.state()


def test_a_server_that_stops_answering(release):
    with FaultProxy(release.judge, [Fault(hang, lambda r: r.number > 3, None)]) as proxy:
        done = release.run("apply", "--timeout", "3s", values=shop(), proxy=proxy, code=(REFUSED, TIMED_OUT), seconds=50)
    assert done.err.strip()


def test_retry_after_is_kept(release):
    """429 with Retry-After: 1 at a write: not asked again within that second."""
    fault = Fault(too_many, lambda r: r.method == "PATCH")
    with FaultProxy(release.judge, [fault]) as proxy:
        release.run("apply", values=shop(), proxy=proxy)
        refused = fault.hits[0]
        again = [r for r in proxy.log if r.number > refused.number and (r.method, r.path) == (refused.method, refused.path)]
    assert again and again[0].at - refused.at > 0.9


def test_bodies_that_are_no_json(release):
    for body in (b"", b"{", b"[]", b"null", b"\xff\xfe", b'{"items": 3}', b'{"kind":"Status"}', b"0" * 100):
        def lies(exchange, body=body):
            exchange.reply(Answer(200, [("content-type", "application/json")], body))
        for number in (1, 2, 4, 8):
            with FaultProxy(release.judge, [Fault(lies, number)]) as proxy:
                done = release.run("apply", "--dry-run=server", values=shop(), proxy=proxy, code=None)
                assert done.code in (DONE, REFUSED), str(done)
    assert not release.state()


def test_a_certificate_of_another_authority_is_refused(release):
    folder = release.folder
    subprocess.run("openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=other "
                   "-keyout other.key -out other.crt".split(), cwd=folder, check=True, capture_output=True)
    path = release.judge.changed_kubeconfig(
        folder / "config", cluster={"certificate-authority-data": base64.b64encode((folder / "other.crt").read_bytes()).decode()})
    done = release.run("apply", values=shop(), kubeconfig=path, code=REFUSED)
    assert "certificate" in done.err.lower()


# Tokens

@pytest.fixture
def token(release):
    everything = [{"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}]
    return service_account(release.judge, release.namespace, "admin", cluster_rules=everything)


def test_fixed_token(release, token):
    with FaultProxy(release.judge) as proxy:
        release.run("apply", values=shop(), kubeconfig=proxy.kubeconfig(token=token))


def test_expired_fixed_token_is_told(release, token):
    with FaultProxy(release.judge, tokens={"new": token}) as proxy:
        done = release.run("apply", values=shop(), kubeconfig=proxy.kubeconfig(token="old-secret-token"), code=REFUSED)
        assert len(proxy.log) < 10, "it hammers a server that refuses it"
    assert re.search("401|[Uu]nauthori|credentials|logged in|token", done.err) and "old-secret-token" not in done.err + done.out
    assert not release.state()


@pytest.mark.parametrize("after", [0, 3, 8])
def test_token_file_is_read_again(release, token, after):
    """The token expires, at once or in the midst of it, and the file has another by then."""
    path = release.folder / "token"
    path.write_text("old")
    tokens: dict = {"new": token, "old": token}
    lock = threading.Lock()

    def expire(request):
        with lock:  # requests come on several threads
            if request.number > after and "old" in tokens:
                path.write_text("new\n")
                del tokens["old"]

    with FaultProxy(release.judge, tokens=tokens, on_request=expire) as proxy:
        release.run("apply", values=shop(), kubeconfig=proxy.kubeconfig(token_file=path))
        assert 401 in {request.status for request in proxy.log}
    release.run("diff", values=shop(), code=DONE)


def test_exec_plugin_is_asked_again(release, token):
    """A plugin's token is refused: it is run once more, and not for ever."""
    runs = release.folder / "runs"
    plugin = release.folder / "plugin"
    credential = {"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": {"token": "token@"}}
    plugin.write_text(f"#!/bin/sh\necho x >> {runs}\necho '{json.dumps(credential)}' | sed s/@/$(wc -l < {runs} | tr -d ' ')/\n")
    plugin.chmod(0o755)

    def config(proxy):
        content = json.loads(proxy.kubeconfig().read_text())
        content["users"][0]["user"] = {"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": str(plugin), "interactiveMode": "Never"}}
        path = release.folder / "exec-config"
        path.write_text(json.dumps(content))
        return path

    with FaultProxy(release.judge, tokens={"token2": token}) as proxy:
        release.run("apply", values=shop(), kubeconfig=config(proxy))
    assert len(runs.read_text().splitlines()) == 2
    runs.unlink()
    with FaultProxy(release.judge, tokens={"none": token}) as proxy:
        release.run("apply", values=shop("orders"), kubeconfig=config(proxy), code=REFUSED)
    assert len(runs.read_text().splitlines()) < 5


def test_openapi_is_published_late(release):
    """A server that has just started serves resources before its OpenAPI knows them."""
    asked = []

    def hide(request, answer):
        if request.path == "/openapi/v3" and len(asked) < 2:
            asked.append(request)
            index = json.loads(answer.body)
            del index["paths"]["apis/postgresql.cnpg.io/v1"]
            return Answer(answer.status, answer.headers, json.dumps(index).encode())
        return answer

    with FaultProxy(release.judge, edit=hide) as proxy:
        release.run("apply", values=shop(), proxy=proxy)
    assert len(asked) == 2


@pytest.fixture(scope="module")
def mortal(program, knows, tmp_path_factory):
    """A release on a server of its own, which is killed."""
    knows("apply")
    with Judge() as judge:
        yield lambda: Release(program, judge, tmp_path_factory.mktemp("mortal"))


@pytest.mark.parametrize("name", ["kube-apiserver", "etcd", "operator"])
def test_the_servers_plug_is_pulled(mortal, name):
    """In the midst of the writing; the same run goes on when it is back."""
    release = mortal()
    values = shop(*(f"d{i}" for i in range(200)))
    process = release.start("apply", "-o", "json", values=values)
    until(lambda: release.get("Database" if name == "operator" else "Secret", "shop-d20" + ("" if name == "operator" else "-app")), "it writes")
    assert process.poll() is None, "it was done before"
    release.judge.pull_the_plug(name)
    done = release.end(process)
    assert done.code == DONE, str(done)
    said = json.loads(done.out)
    assert sum(len(said[what]) for what in ("created", "changed")) + said["unchanged"] == len(release.template(values))
    release.run("diff", values=values, code=DONE)
    assert release.members() == release.template(values).keys()
    release.assert_one_password()


# Two writers

def test_somebody_changes_an_object_in_between(release):
    """Between our look at it and our write: theirs is not lost, ours is made."""
    release.apply(shop())
    fault_done = threading.Event()

    def meddle(request):
        if request.method == "PATCH" and request.writes and request.path.endswith("/clusters/shop") and not fault_done.is_set():
            fault_done.set()
            release.patch("Cluster", "shop", {"spec": {"logLevel": "debug"}}, "kubectl-edit")

    with FaultProxy(release.judge, on_request=meddle) as proxy:
        release.run("apply", values=shop(instances=2), proxy=proxy)
    assert fault_done.is_set()
    spec = release.get("Cluster", "shop")["spec"]
    assert spec["logLevel"] == "debug" and spec["instances"] == 2


def test_somebody_takes_the_name_in_between(release):
    """A Secret of somebody else appears where we are about to make ours: it is not ours to write."""
    taken = threading.Event()

    def take(request):
        if request.writes and request.path.endswith("/secrets/shop-orders-app") and not taken.is_set():
            taken.set()
            release.create({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "shop-orders-app"}, "stringData": {"host": "theirs"}})

    with FaultProxy(release.judge, on_request=take) as proxy:
        done = release.run("apply", values=shop(), proxy=proxy, code=(DONE, REFUSED))
    assert taken.is_set()
    if done.code == REFUSED:
        assert "shop-orders-app" in done.err
    assert release.data("shop-orders-app")["host"] == "theirs" or done.code == DONE


def test_namespace_goes_away(release):
    """A namespace that is being deleted takes no new objects."""
    release.judge.request("DELETE", f"/api/v1/namespaces/{release.namespace}")
    done = release.run("apply", values=shop(), code=REFUSED)
    assert release.namespace in done.err and re.search("terminat|delet", done.err)


def test_full_disk_of_the_reader(release):
    """Standard output that cannot be written is told, and the objects are made all the same."""
    with open("/dev/full", "w") as full:
        run = subprocess.run(release.command("apply", values=shop()), stdout=full, stderr=subprocess.PIPE, text=True, timeout=60)
    assert run.returncode == REFUSED and run.stderr.strip()
    release.run("diff", values=shop(), code=DONE)

