"""apply --wait and status, with a stand-in for the operator that reports what a test wants."""

import json
import signal

import pytest

from faultproxy import Fault, FaultProxy, Answer, go_away, half, reset_after, reset_before, says, unavailable
from releases import DONE, INTERRUPTED, REFUSED, TIMED_OUT, FakeOperator, shop, until

VALUES = shop("orders", "customers", poolers=[{"name": "rw"}])


def asks_again(request) -> bool:
    """A request of somebody who waits, after the writing."""
    return request.watches


def test_waits_until_ready(release):
    with FaultProxy(release.judge) as proxy, FakeOperator(release) as operator:
        operator.hold.set()
        process = release.start("apply", "--wait", "--timeout", "50s", values=VALUES, proxy=proxy)
        until(lambda: process.poll() is not None or any(map(asks_again, proxy.log)), "it watches")
        assert process.poll() is None, str(release.end(process))
        operator.hold.clear()
        done = release.end(process)
    assert done.code == DONE, str(done)
    assert len(proxy.log) < 120, "it asks and asks where it could watch"


def test_waits_for_what_changed(release):
    """The status of before the change says nothing about it."""
    with FaultProxy(release.judge) as proxy, FakeOperator(release) as operator:
        release.apply(VALUES, "--wait", "--timeout", "50s")
        operator.hold.set()
        values = shop("orders", {"name": "customers", "owner": "customers", "connectionLimit": 5}, instances=2, poolers=[{"name": "rw"}])
        process = release.start("apply", "--wait", "--timeout", "50s", values=values, proxy=proxy)
        until(lambda: process.poll() is not None or any(map(asks_again, proxy.log)), "it watches")
        assert process.poll() is None, str(release.end(process))
        operator.hold.clear()
        assert release.end(process).code == DONE


def test_nothing_to_do_and_all_ready(release):
    with FakeOperator(release):
        release.apply(VALUES, "--wait", "--timeout", "50s")
    before = release.versions()
    with FaultProxy(release.judge) as proxy:
        release.run("apply", "--wait", "--timeout", "50s", values=VALUES, proxy=proxy)
        assert not proxy.writes
    assert release.versions() == before


def test_nobody_answers(release):
    done = release.apply(VALUES, "--wait", "--timeout", "2s", code=TIMED_OUT)
    assert "shop" in done.err
    assert release.get("Cluster", "shop"), "what was written stays"


@pytest.mark.parametrize("broken, words", [
    ({("Cluster", "shop"): {"phase": "Setting up primary", "instances": 1, "readyInstances": 0, "conditions": [
        {"type": "Ready", "status": "False", "reason": "ClusterIsNotReady", "message": "Cluster Is Not Ready",
         "lastTransitionTime": "2026-01-01T00:00:00Z"}]}}, ("shop", "Setting up primary")),
    ({("Database", "shop-orders"): {"applied": False, "observedGeneration": 1, "message": "while creating database: role does not exist"}},
     ("shop-orders", "role does not exist"))], ids=["cluster", "database"])
def test_what_is_not_ready_is_told_in_the_operators_words(release, broken, words):
    with FakeOperator(release, broken):
        done = release.apply(VALUES, "--wait", "--timeout", "3s", code=(TIMED_OUT, REFUSED))
    for word in words:
        assert word in done.err, str(done)


def test_role_that_cannot_be_made_is_told(release):
    release.apply(VALUES)
    healthy = FakeOperator(release).cluster(release.get("Cluster", "shop"))
    healthy["managedRolesStatus"] = {"byStatus": {"reconciled": ["customers"]},
                                     "cannotReconcile": {"orders": ["could not perform CREATE on role orders: owner of objects"]}}
    with FakeOperator(release, {("Cluster", "shop"): healthy}):
        done = release.apply(VALUES, "--wait", "--timeout", "3s", code=(TIMED_OUT, REFUSED))
    assert "orders" in done.err and "owner of objects" in done.err, str(done)


def expired_event(exchange):
    body = {"type": "ERROR", "object": {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
                                        "message": "too old resource version: 1 (2)", "reason": "Expired", "code": 410}}
    exchange.reply(Answer(200, [("content-type", "application/json")], json.dumps(body).encode() + b"\n"))


def empty_watch(exchange):
    """The server ends a watch whenever it likes."""
    exchange.reply(Answer(200, [("content-type", "application/json")], b""))


@pytest.mark.parametrize("act", [reset_before, expired_event, empty_watch, unavailable, says(410, "Expired", "too old resource version")],
                         ids=["reset", "expired", "ends", "503", "410"])
def test_watches_that_break(release, act):
    """The first three watches break while nothing is ready."""
    fault = Fault(act, lambda r: r.watches, 3)
    with FaultProxy(release.judge, [fault]) as proxy, FakeOperator(release) as operator:
        operator.hold.set()
        process = release.start("apply", "--wait", "--timeout", "50s", values=VALUES, proxy=proxy)
        until(lambda: process.poll() is not None or len(fault.hits) == 3, "three watches broke")
        operator.hold.clear()
        done = release.end(process)
    assert done.code == DONE, str(done)


def test_interrupted_while_it_waits(release):
    with FaultProxy(release.judge) as proxy:
        process = release.start("apply", "--wait", "--timeout", "10m", values=VALUES, proxy=proxy)
        until(lambda: process.poll() is not None or any(map(asks_again, proxy.log)), "it watches")
        process.send_signal(signal.SIGINT)
        done = release.end(process, 20)
    assert done.code == INTERRUPTED, str(done)
    assert release.get("Cluster", "shop")


# status

@pytest.fixture
def knows_status(knows, program):
    import subprocess
    knows("status")
    said = subprocess.run([program, "status", "--help"], capture_output=True, text=True, timeout=60).stdout
    if "kubeconfig" not in said:
        pytest.skip("this cnpg-dbm's status knows no cluster")


def test_status(release, knows_status):
    release.apply(VALUES)
    done = release.run("status", code=None)
    assert "shop" in done.out and "orders" in done.out, str(done)
    waiting = json.loads(release.run("status", "-o", "json", code=None).out)
    assert "shop" in json.dumps(waiting)
    with FakeOperator(release):
        release.apply(VALUES, "--wait", "--timeout", "50s")
    with FaultProxy(release.judge) as proxy:
        done = release.run("status", proxy=proxy)
        assert {request.method for request in proxy.log} == {"GET"}
    assert "shop" in done.out and "orders" in done.out and "healthy" in done.out, str(done)
    ready = json.loads(release.run("status", "-o", "json").out)
    assert ready != waiting


def test_status_of_what_fails(release, knows_status):
    release.apply(VALUES)
    broken = {("Database", "shop-orders"): {"applied": False, "observedGeneration": 1, "message": "role does not exist"}}
    with FakeOperator(release, broken):
        until(lambda: (release.get("Database", "shop-orders").get("status") or {}).get("message"), "the operator reported")
        done = release.run("status", code=None)
    assert "shop-orders" in done.out and "role does not exist" in done.out, str(done)


def test_status_of_nothing(release, knows_status):
    done = release.run("status", code=REFUSED)
    assert "databases" in done.err and release.namespace in done.err


def test_status_watches(release, knows_status):
    release.apply(VALUES)
    with FaultProxy(release.judge) as proxy, FakeOperator(release) as operator:
        operator.hold.set()
        process = release.start("status", "-w", proxy=proxy)
        until(lambda: process.poll() is not None or any(map(asks_again, proxy.log)), "it watches")
        assert process.poll() is None, str(release.end(process))
        operator.hold.clear()
        until(lambda: (release.get("Database", "shop-orders").get("status") or {}).get("applied"), "the operator reported")
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
        done = release.end(process, 20)
    assert done.code in (DONE, INTERRUPTED) and "shop" in done.out, str(done)
