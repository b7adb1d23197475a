"""A release that Helm installed with the chart, before and after `adopt`."""

import subprocess
import time

import pytest

from conftest import HERE, door, eventually, finish, measured

NAMESPACE = "charted"
RELEASE = "my-databases"
OWNERS = ("keycloak", "paperless")
FILE = ("-f", HERE / "charted.yaml")
DOORS = ("main-rw", "main-pooler-rw")


@pytest.fixture(scope="module")
def release(kube, helm, pytestconfig):
    kube.make_namespace(NAMESPACE)
    run = subprocess.run(
        [helm, "install", RELEASE, pytestconfig.getoption("--chart"), "-n", NAMESPACE, *map(str, FILE)], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    eventually("Cluster", lambda: kube.ready("Cluster", NAMESPACE, "main"))
    ready = time.monotonic()
    eventually("Databases", lambda: all(kube.ready("Database", NAMESPACE, f"main-{owner}") for owner in OWNERS))
    measured(f"Helm and the chart: databases there {time.monotonic() - ready:.1f} s after the Cluster was ready")
    eventually("Pooler", lambda: kube.ready("Pooler", NAMESPACE, "main-pooler-rw"))


def role_passwords(kube) -> dict:
    return {owner: kube.secret(NAMESPACE, f"main-{owner}-password") for owner in OWNERS}


def uri(kube, owner: str, host: str, database: str) -> str:
    password = kube.secret(NAMESPACE, f"main-{owner}-password")["password"]
    return f"postgresql://{owner}:{password}@{host}.{NAMESPACE}.svc:5432/{database}"


def foreign_doors(kube) -> dict:
    """What each owner is told where the owner has nothing to do."""
    return {(owner, host, database): door(uri(kube, owner, host, database))
            for owner in OWNERS for host in DOORS for database in (*OWNERS, "postgres") if database != owner}


def test_the_chart_leaves_every_door_open(kube, release):
    said = eventually("a first login", lambda: {k: v for k, v in foreign_doors(kube).items() if v is None} and foreign_doors(kube))
    still_closed = {k: v for k, v in said.items() if v}
    measured(f"the chart: {len(said) - len(still_closed)} of {len(said)} foreign doors are open")
    assert not still_closed


def test_adopt_restarts_nothing_and_changes_no_password(kube, dbm, release, helm, pytestconfig):
    dbm.needs("adopt")
    passwords = role_passwords(kube)
    pods = kube.pods(NAMESPACE)
    dbm.run("adopt", RELEASE, "-n", NAMESPACE, "--dry-run=server")
    began = time.monotonic()
    dbm.run("adopt", RELEASE, "-n", NAMESPACE)
    took = time.monotonic() - began
    assert kube.pods(NAMESPACE) == pods and role_passwords(kube) == passwords
    # And back: Helm goes on as if nothing had been
    dbm.run("adopt", RELEASE, "-n", NAMESPACE, "--back")
    run = subprocess.run(
        [helm, "upgrade", RELEASE, pytestconfig.getoption("--chart"), "-n", NAMESPACE, *map(str, FILE)], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    dbm.run("adopt", RELEASE, "-n", NAMESPACE)
    assert kube.pods(NAMESPACE) == pods and role_passwords(kube) == passwords
    measured(f"adopt: {took:.1f} s, none of {len(pods)} Pods restarted; back to Helm, upgraded there, adopted again: none either")


def test_the_next_apply_closes_the_doors(kube, dbm, release):
    dbm.needs("adopt")
    passwords, pods = role_passwords(kube), kube.pods(NAMESPACE)
    finish(dbm.apply(NAMESPACE, RELEASE, *FILE))
    eventually("closed doors", lambda: all(foreign_doors(kube).values()), 30)
    assert role_passwords(kube) == passwords
    for owner in OWNERS:
        secret = kube.secret(NAMESPACE, f"main-{owner}-app")
        assert secret["password"] == passwords[owner]["password"]
        for name in ("uri", "pooler-rw-uri"):
            eventually(f"{owner} by {name}", lambda: door(secret[name]) is None, 30)
    after = kube.pods(NAMESPACE)
    assert after["main-1"] == pods["main-1"]
    dbm.run("diff", RELEASE, "-n", NAMESPACE, *FILE)
    measured(f"the apply after adopt: every foreign door closed, {sum(after.get(p) == pods[p] for p in pods)} of {len(pods)} Pods as they were, passwords too")


def test_uninstall_destroys_what_is_named(kube, dbm, release):
    dbm.needs("adopt", "uninstall")
    dbm.run("uninstall", RELEASE, "-n", NAMESPACE, "--allow-destroy", "main", "--wait")
    assert not kube.exists("Cluster", NAMESPACE, "main")
    eventually("the volumes' end", lambda: not kube.list("PersistentVolumeClaim", NAMESPACE), 60)
    assert not kube.pods(NAMESPACE).get("main-1")
