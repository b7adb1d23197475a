"""rotate: new passwords, everywhere at once, and never half."""

import json
import signal
import threading

import pytest

from faultproxy import Fault, FaultProxy, half, hold, kill_after, kill_before, reset_after, reset_before
from releases import DONE, REFUSED, Release, grant, in_parallel, service_account, shop, until

ONE = ("--cluster", "shop", "--role", "orders")


@pytest.fixture
def rotating(releases, knows):
    knows("rotate")

    def make() -> tuple[Release, dict]:
        release = releases()
        values = shop("orders", {"name": "customers", "owner": "customers", "targetNamespace": release.other_namespace("crm")},
                      {"name": "archive", "owner": "orders", "targetNamespace": f"{release.namespace}-crm"})
        release.apply(values)
        return release, values

    return make


def test_one_role(rotating):
    release, values = rotating()
    before = release.passwords()
    done = release.run("rotate", *ONE)
    after = release.passwords()
    changed = {name for (_, name), password in after.items() if before[_, name] != password}
    assert changed == {"shop-orders-password", "shop-orders-app", "shop-archive-app"}
    release.assert_one_password()
    for old in before.values():
        assert old not in done.out + done.err
    assert "orders" in done.out
    release.run("diff", values=values, code=DONE)
    release.apply(values)
    assert release.passwords() == after


def test_again_gives_another(rotating):
    release, _ = rotating()
    seen = {release.data("shop-orders-password")["password"]}
    for _ in range(3):
        release.run("rotate", *ONE)
        seen.add(release.data("shop-orders-password")["password"])
    assert len(seen) == 4


def test_nothing_is_that_old(rotating):
    release, _ = rotating()
    before = release.versions()
    release.run("rotate", "--older-than", "90d")
    assert release.versions() == before


@pytest.mark.parametrize("flags", [("--cluster", "shop", "--role", "nobody"), ("--cluster", "none", "--role", "orders")])
def test_unknown_role(rotating, flags):
    release, _ = rotating()
    before = release.versions()
    done = release.run("rotate", *flags, code=REFUSED)
    assert flags[1] in done.err or flags[3] in done.err
    assert release.versions() == before


def test_dry_run(rotating):
    release, _ = rotating()
    before = release.versions()
    done = release.run("rotate", *ONE, "--dry-run=server", code=None)
    assert release.versions() == before, str(done)


def test_secret_of_your_own_is_not_rotated(releases, knows):
    knows("rotate")
    release = releases()
    release.create({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "mine"},
                    "stringData": {"username": "orders", "password": "D" * 32}})
    release.apply(shop({"name": "orders", "owner": "orders", "existingSecret": "mine"}))
    done = release.run("rotate", *ONE, code=REFUSED)
    assert "mine" in done.err or "existingSecret" in done.err or "orders" in done.err
    assert release.data("mine")["password"] == "D" * 32


@pytest.mark.parametrize("act", [kill_before, kill_after, reset_before, reset_after, half],
                         ids=["killed before", "killed after", "reset before", "reset after", "half"])
def test_fault_at_every_request(rotating, act):
    """The next apply finds one password, the old one or the new one."""
    release, _ = rotating()
    with FaultProxy(release.judge) as proxy:
        release.run("rotate", *ONE, proxy=proxy)
        count = len(proxy.log)

    def at(number):
        release, values = rotating()
        before = release.passwords()
        with FaultProxy(release.judge, [Fault(act, number)]) as proxy:
            done = release.end(release.start("rotate", *ONE, proxy=proxy))
        if done.code not in (DONE, REFUSED, -signal.SIGKILL):
            return f"{number}: {done}"
        changed = release.data("shop-orders-password")["password"] != before[release.namespace, "shop-orders-password"]
        if done.code == DONE and not changed:
            return f"{number}: says it is done and the password is the old one"
        release.apply(values)
        release.assert_one_password()
        others = [key for key, password in release.passwords().items()
                  if key[1].startswith("shop-customers") and before[key] != password]
        if others:
            return f"{number}: others changed: {others}"
        return None

    wrong = [said for said in in_parallel(at, range(1, count + 1)) if said]
    assert not wrong, "\n".join(wrong[:5])


LATE = {"databases": [{"name": "late", "owner": "orders"}]}, "shop-late-app"
CHANGED = {"poolers": [{"name": "rw"}]}, "shop-orders-app"


def with_more(values: dict, more: dict) -> dict:
    shop = values["clusters"]["shop"]
    return {"clusters": {"shop": shop | {key: shop.get(key, []) + added for key, added in more.items()}}}


@pytest.mark.parametrize("more, name", [LATE, CHANGED], ids=["made", "changed"])
def test_an_apply_that_ends_after_a_rotate(rotating, more, name):
    """It has read the old password, and writes a connection Secret when rotate is done."""
    release, values = rotating()
    values, rotated = with_more(values, more), threading.Event()
    held = Fault(hold(rotated), lambda request: request.writes and request.path.endswith(f"/secrets/{name}"))
    with FaultProxy(release.judge, [held]) as proxy:
        process = release.start("apply", "-o", "json", values=values, proxy=proxy)
        until(lambda: held.hits, "apply writes")
        release.run("rotate", *ONE)
        rotated.set()
        done = release.end(process)
    assert done.code == DONE, str(done)
    release.assert_one_password()
    said = json.loads(done.out)
    assert f"secret/{name}" in said["created"] + said["changed"]
    release.run("diff", values=values, code=DONE)


@pytest.mark.parametrize("more, name", [LATE, CHANGED], ids=["made", "changed"])
def test_an_apply_within_a_rotate(rotating, more, name):
    """Rotate has looked; an apply comes and goes; only then rotate writes."""
    release, values = rotating()
    values, applied = with_more(values, more), threading.Event()
    held = Fault(hold(applied), lambda request: request.writes and request.path.endswith("/secrets/shop-orders-password"))
    with FaultProxy(release.judge, [held]) as proxy:
        process = release.start("rotate", *ONE, "-o", "json", proxy=proxy)
        until(lambda: held.hits, "rotate writes")
        release.apply(values)
        applied.set()
        done = release.end(process)
    assert done.code == DONE, str(done)
    release.assert_one_password()
    rotated, = json.loads(done.out)["rotated"]
    assert rotated["behind"] == 0 and name in {secret["name"] for secret in rotated["connectionSecrets"]}
    release.run("diff", values=values, code=DONE)


def test_missing_rights_are_named(rotating):
    release, _ = rotating()
    rules = [{"apiGroups": ["", "postgresql.cnpg.io"], "resources": ["*"], "verbs": ["get", "list", "watch"]}]
    token = service_account(release.judge, release.namespace, "poor", rules)
    for namespace in release.namespaces[1:]:
        grant(release.judge, {"kind": "Role", "metadata": {"name": "poor", "namespace": namespace}, "rules": rules}, release.namespace, "poor")
    before = release.versions()
    with FaultProxy(release.judge) as proxy:
        done = release.run("rotate", *ONE, kubeconfig=proxy.kubeconfig(token=token), code=REFUSED)
    assert "patch" in done.err or "update" in done.err
    assert "secrets" in done.err
    assert release.versions() == before
