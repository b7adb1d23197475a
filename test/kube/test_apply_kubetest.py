"""apply, diff and uninstall against a real API server: what is sent, what is left alone, what is refused."""

import copy
import json
import os
import pathlib
import re
import subprocess
import threading

import pytest
import yaml

from faultproxy import Fault, FaultProxy, hold, says
from releases import (DONE, GUARDED, PART_OF, REFUSED, USAGE, Release, grant, rights, rights_used, service_account,
                      shop, until, webhooks_at)

MANY = int(os.environ.get("CNPG_DBM_MANY", "300"))  # databases of the large release; 3,300 make 10,000 objects


def is_part_of(ours, theirs) -> bool:
    """Maps may hold more, lists are whole."""
    if isinstance(ours, dict):
        return isinstance(theirs, dict) and all(key in theirs and is_part_of(value, theirs[key]) for key, value in ours.items())
    if isinstance(ours, list):
        return isinstance(theirs, list) and len(ours) == len(theirs) and all(map(is_part_of, ours, theirs))
    return ours == theirs


def apply_logged(release, values, *flags, command="apply", **options):
    """A run through a proxy without faults, and what it asked."""
    with FaultProxy(release.judge) as proxy:
        done = release.run(command, *flags, values=values, proxy=proxy, **options)
        return done, proxy


def refused_untouched(release, values, *flags, code, command="apply", **options) -> str:
    """A run that must be refused before anything is written; what it says."""
    before = release.versions()
    with FaultProxy(release.judge) as proxy:
        done = release.run(command, *flags, values=values, proxy=proxy, code=code, **options)
        assert not proxy.writes, "\n".join(map(str, proxy.writes))
    assert release.versions() == before
    assert done.err.strip(), "it does not say why"
    return done.err


# What is made

def test_first_apply(release):
    values = shop("orders", {"name": "customers", "owner": "customers", "targetNamespace": release.other_namespace("crm")},
                  poolers=[{"name": "rw"}])
    done = release.apply(values)
    state, wanted = release.state(), release.template(values)
    assert release.members() == wanted.keys()
    assert state.keys() == wanted.keys() | {("Secret", release.namespace, release.parent)}
    for key, obj in wanted.items():
        live = state[key]
        assert is_part_of(obj["metadata"]["labels"], live["metadata"]["labels"])
        if key[0] != "Secret":
            assert is_part_of(obj["spec"], live["spec"]), key
        assert is_part_of(sorted(obj.get("data", ())), sorted(live.get("data", ())))
        managers = {entry["manager"] for entry in live["metadata"]["managedFields"]}
        assert managers == {"cnpg-dbm"}, (key, managers)
        if not key[2].endswith("-password"):
            assert {entry["operation"] for entry in live["metadata"]["managedFields"]} == {"Apply"}, key
    assert len(set(release.passwords().values())) == 2
    release.assert_one_password()
    assert "shop" in done.out


def test_password_in_no_command_line_and_no_query(release):
    seen = []

    def look(request):
        pid = known.wait(10) and process[0].pid
        with open(f"/proc/{pid}/cmdline") as line:
            seen.append(line.read())

    known, process = threading.Event(), []
    with FaultProxy(release.judge, on_request=look) as proxy:
        process.append(release.start("apply", values=shop(), proxy=proxy))
        known.set()
        assert release.end(process[0]).code == DONE
        release.assert_no_password("\n".join(f"{r.path}?{r.query} {r.headers}" for r in proxy.log), "a request's line or headers")
    assert len(seen) > 5
    release.assert_no_password("\n".join(seen), "/proc/PID/cmdline")


def test_json_output(release):
    crm = release.other_namespace("crm")
    done = release.apply(shop("orders", {"name": "customers", "owner": "orders", "targetNamespace": crm}), "-o", "json")
    said = json.loads(done.out)
    assert set(said["created"]) == {
        "secret/shop-orders-password", "secret/shop-orders-app", "secret/shop-customers-app", f"secret/shop-customers-app -n {crm}",
        "cluster.postgresql.cnpg.io/shop", "database.postgresql.cnpg.io/shop-orders", "database.postgresql.cnpg.io/shop-customers"}
    assert said["unchanged"] == 0 and not said["changed"] + said["removed"] + said["released"]


def test_dry_run_writes_nothing(release):
    done, proxy = apply_logged(release, shop(), "--dry-run=server")
    assert not proxy.writes and not release.state()
    assert "shop-orders" in done.out
    release.apply(shop())
    before = release.versions()
    done, proxy = apply_logged(release, shop("orders", instances=2), "--dry-run=server")
    assert not proxy.writes and release.versions() == before
    assert "customers" in done.out, "what would go is told"


def test_no_values_file_is_usage(release):
    release.run("apply", code=USAGE)
    release.run("apply", "-f", "/nonexistent/values.yaml", code=REFUSED)


def test_mistakes_are_told_before_anything_is_written(release):
    assert "instancs" in refused_untouched(release, shop(instancs=3), code=REFUSED)
    assert not release.state()


# Doing it again

def test_nothing_to_do_writes_nothing(release):
    values = shop("orders", {"name": "customers", "owner": "customers", "targetNamespace": release.other_namespace("crm")},
                  poolers=[{"name": "rw"}])
    release.apply(values)
    before = release.versions()
    done, proxy = apply_logged(release, values)
    assert release.versions() == before
    assert {request.method for request in proxy.log} == {"GET"}
    objects = [r for r in proxy.log if re.search(r"/namespaces/[^/]+/\w+/[^/]+$", r.path) and not r.path.endswith(release.parent)]
    assert not objects, "single objects are asked for: " + "; ".join(map(str, objects))
    assert len(proxy.log) <= 30, "\n".join(map(str, proxy.log))
    release.run("diff", values=values, code=DONE)


RICH = shop(
    {"name": "orders", "owner": "orders", "extensions": [{"name": "pg_trgm"}], "schemas": [{"name": "s", "owner": "orders"}],
     "users": [{"name": "report", "access": "read"}]},
    roles={"orders": {"superuser": False, "connectionLimit": 4}, "batch": {"login": True, "inRoles": ["orders"]}},
    walStorage={"enabled": True, "size": "1024Mi"}, minWalSize="80MB", maxWalSize="512MB",
    monitoring={"enabled": True, "podMonitor": {"enabled": True}, "prometheusRule": {"enabled": True}},
    backup={"enabled": True, "method": "plugin", "s3": {"bucket": "b", "inheritFromIAMRole": True}},
    poolers=[{"name": "rw", "parameters": {"default_pool_size": "5"}, "template": {"spec": {"containers": [
        {"name": "pgbouncer", "resources": {"requests": {"cpu": "0.1", "memory": "1024Mi"}}}]}}}],
    resources={"requests": {"cpu": "2000m", "memory": "1024Mi"}, "limits": {"cpu": "4.0", "memory": "2Gi"}},
    additionalClusterSpec={"tablespaces": [{"name": "t", "owner": {"name": "orders"}, "storage": {"size": "1024Mi"}}],
                           "env": [{"name": "A", "value": "b"}], "topologySpreadConstraints": [
                               {"maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "DoNotSchedule"}]})
EXAMPLES = sorted((pathlib.Path(__file__).resolve().parents[1] / "examples").glob("*.yaml"))
AGAIN = {"rich": RICH, "external": shop(roleSecrets={"source": "external"}), **{path.stem[:40]: path.read_text() for path in EXAMPLES}}


@pytest.mark.parametrize("case", AGAIN)
def test_everything_again_writes_nothing(release, case):
    """Whatever the server and the webhooks add or spell differently: the second run asks for lists and is done."""
    values = AGAIN[case]
    for _, namespace, _ in release.template(values):
        if namespace not in ("", release.namespace):
            release.judge.ensure_namespace(namespace)
            release.namespaces.append(namespace)
    for _ in range(20):  # each refusal names a Secret that the file expects
        done = release.apply(values, code=(DONE, REFUSED))
        if done.code == DONE:
            break
        for name in set(re.findall(r"Secret ([\w.-]+)", done.err)):
            if not release.get("Secret", name):
                keys = ("username", "password", "ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_DEFAULT_REGION", "tls.crt", "tls.key", "ca.crt",
                        "AZURE_CONNECTION_STRING", "gcsCredentials", "ACCESS_SECRET_KEY", *re.findall(r"no key ([\w.-]+)", done.err))
                release.create({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "stringData": dict.fromkeys(keys, "x" * 9)})
    assert done.code == DONE, str(done)
    before = release.versions()
    _, proxy = apply_logged(release, values)
    assert not [str(r) for r in proxy.log if r.method != "GET"]
    assert release.versions() == before
    release.run("diff", values=values, code=DONE)


def test_change_of_one_field_touches_one_object(release):
    release.apply(shop())
    before = release.versions()
    done = release.apply(shop("orders", {"name": "customers", "owner": "customers", "connectionLimit": 7}))
    after = release.versions()
    assert {key for key in before if before[key] != after[key]} == {("Database", release.namespace, "shop-customers")}
    assert release.get("Database", "shop-customers")["spec"]["connectionLimit"] == 7
    assert "shop-customers" in done.out and "shop-orders" not in done.out.replace("unchanged", "")


def test_removed_keys_are_removed(release):
    release.apply(shop({"name": "orders", "owner": "orders", "connectionLimit": 7}, parameters={"log_min_duration_statement": "5"}))
    assert release.get("Cluster", "shop")["spec"]["postgresql"]["parameters"]["log_min_duration_statement"] == "5"
    release.apply(shop("orders"))
    assert "log_min_duration_statement" not in release.get("Cluster", "shop")["spec"]["postgresql"]["parameters"]
    assert "connectionLimit" not in release.get("Database", "shop-orders")["spec"]


def test_diff_tells_and_writes_nothing(release):
    done, proxy = apply_logged(release, shop(), command="diff", code=1)
    assert not proxy.writes and not release.state() and "shop-orders" in done.out
    release.apply(shop())
    before = release.versions()
    done, proxy = apply_logged(release, shop(instances=2, connectionSecrets={"clusterDomain": "example.org"}), command="diff", code=1)
    assert not proxy.writes and release.versions() == before
    assert "instances" in done.out and "1" in done.out and "2" in done.out
    assert "shop-orders-app" in done.out
    done, _ = apply_logged(release, shop("orders"), command="diff", code=1)
    assert "shop-customers" in done.out


def test_diff_of_what_cannot_be_asked(release):
    config = release.folder / "nowhere"
    config.write_text(release.judge.kubeconfig.read_text().replace(str(release.judge.port), "9"))  # nobody listens there
    done = release.run("diff", values=shop(), kubeconfig=config, code=None)
    assert done.code > 1 and "127.0.0.1" in done.err


# Other writers

def test_fields_of_others_are_left_alone(release):
    release.apply(shop())
    release.patch("Cluster", "shop", {"metadata": {"annotations": {"cnpg.io/hibernation": "on"}, "labels": {"team": "a"}},
                                      "spec": {"logLevel": "debug", "postgresql": {"parameters": {"log_connections": "on"}}}}, "kubectl-edit")
    release.run("diff", values=shop(), code=DONE)
    release.apply(shop(instances=2))
    cluster = release.get("Cluster", "shop")
    assert cluster["spec"]["instances"] == 2 and cluster["spec"]["logLevel"] == "debug"
    assert cluster["spec"]["postgresql"]["parameters"]["log_connections"] == "on"
    assert cluster["metadata"]["annotations"]["cnpg.io/hibernation"] == "on" and cluster["metadata"]["labels"]["team"] == "a"


def test_drift_by_edit(release):
    release.apply(shop())
    release.patch("Cluster", "shop", {"spec": {"instances": 4}}, "kubectl-edit")
    done = release.run("diff", values=shop(), code=1)
    assert "instances" in done.out and "4" in done.out
    done = release.apply(shop(), code=(DONE, REFUSED))
    if done.code == REFUSED:
        assert "kubectl-edit" in done.err and "instances" in done.err and "--force-conflicts" in done.err
        release.apply(shop(), "--force-conflicts")
    assert release.get("Cluster", "shop")["spec"]["instances"] == 1
    release.run("diff", values=shop(), code=DONE)


def test_conflict_names_manager_and_field(release):
    release.apply(shop())
    live = release.get("Cluster", "shop")
    theirs = {"apiVersion": live["apiVersion"], "kind": "Cluster", "metadata": {"name": "shop"}, "spec": {"instances": 5}}
    status, answer = release.judge.request(
        "PATCH", f"/apis/postgresql.cnpg.io/v1/namespaces/{release.namespace}/clusters/shop?fieldManager=argocd&force=true",
        theirs, "application/apply-patch+yaml")
    assert status == 200, answer
    before = release.versions()
    done = release.apply(shop("orders", "customers", "more"), code=REFUSED)
    assert "argocd" in done.err and "instances" in done.err and "shop" in done.err and "--force-conflicts" in done.err
    assert release.versions() == before, "a conflict that can be known is told before anything is written"
    release.apply(shop("orders", "customers", "more"), "--force-conflicts")
    assert release.get("Cluster", "shop")["spec"]["instances"] == 1


def test_same_value_by_two_managers_is_no_conflict(release):
    release.apply(shop())
    theirs = {"apiVersion": "postgresql.cnpg.io/v1", "kind": "Cluster", "metadata": {"name": "shop"}, "spec": {"instances": 1}}
    release.judge.request(
        "PATCH", f"/apis/postgresql.cnpg.io/v1/namespaces/{release.namespace}/clusters/shop?fieldManager=argocd",
        theirs, "application/apply-patch+yaml")
    release.run("diff", values=shop(), code=DONE)
    release.apply(shop())


def test_edited_connection_secret_is_mended(release):
    release.apply(shop())
    release.patch("Secret", "shop-orders-app", {"stringData": {"host": "elsewhere"}}, "kubectl-edit")
    release.run("diff", values=shop(), code=1)
    release.apply(shop(), "--force-conflicts")
    assert release.data("shop-orders-app")["host"].startswith("shop-rw")


def test_password_set_by_hand_is_kept_and_spread(release):
    """Who writes another password into the role's Secret rotates by hand: connection Secrets follow."""
    release.apply(shop())
    release.patch("Secret", "shop-orders-password", {"stringData": {"password": "B" * 32}}, "kubectl-edit")
    done = release.run("diff", values=shop(), code=1)
    assert "shop-orders-app" in done.out and "shop-customers-app" not in done.out
    release.apply(shop(), "--force-conflicts")
    assert release.data("shop-orders-password")["password"] == "B" * 32
    release.assert_one_password()


@pytest.mark.parametrize("kind, name", [("Secret", "shop-orders-password"), ("Secret", "shop-orders-app"), ("Cluster", "shop"),
                                        ("Database", "shop-orders"), ("Pooler", "shop-pooler-rw")])
def test_objects_of_others_are_not_taken_over(release, kind, name):
    spec = {"Cluster": {"instances": 1, "storage": {"size": "2Gi"}}, "Database": {"name": "orders", "owner": "orders", "cluster": {"name": "shop"}},
            "Pooler": {"cluster": {"name": "shop"}, "type": "rw", "instances": 1, "pgbouncer": {"poolMode": "session"}}}
    theirs = {"kind": kind, "metadata": {"name": name}}
    if kind == "Secret":
        theirs |= {"apiVersion": "v1", "stringData": {"username": "orders", "password": "C" * 32}}
    else:
        theirs |= {"apiVersion": "postgresql.cnpg.io/v1", "spec": spec[kind]}
    release.create(theirs)
    said = refused_untouched(release, shop(poolers=[{"name": "rw"}]), code=REFUSED)
    assert name in said
    said = refused_untouched(release, shop(poolers=[{"name": "rw"}]), "--force-conflicts", code=REFUSED)
    assert name in said


def test_objects_of_another_release_are_not_taken_over(releases):
    first = releases()
    first.apply(shop())
    second = releases(namespace=first.namespace, name="second")
    said = refused_untouched(second, shop(), code=REFUSED)
    assert "shop" in said and "databases" in said, "the other release is named"
    second.apply(shop("x", cluster="other"))
    first.run("diff", values=shop(), code=DONE)
    first.apply(shop("orders"))
    second.run("diff", values=shop("x", cluster="other"), code=DONE)


# Pruning

def test_prune(release):
    crm = release.other_namespace("crm")
    values = shop("orders", {"name": "customers", "owner": "customers", "targetNamespace": crm}, poolers=[{"name": "rw"}])
    release.apply(values)
    release.create({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "theirs", "labels": {"cnpg.io/cluster": "shop"}}})
    password = release.data("shop-customers-password")["password"]
    annotations = release.get("Secret", release.parent)["metadata"]["annotations"]
    assert annotations["applyset.kubernetes.io/additional-namespaces"] == crm
    assert "Pooler.postgresql.cnpg.io" in annotations["applyset.kubernetes.io/contains-group-kinds"].split(",")

    done = release.apply(shop("orders"))
    state = release.state()
    assert ("Secret", crm, "shop-customers-app") not in state
    for kind, name in (("Secret", "shop-customers-app"), ("Database", "shop-customers"), ("Pooler", "shop-pooler-rw")):
        assert (kind, release.namespace, name) not in state
    assert ("Secret", release.namespace, "theirs") in state
    assert "shop-customers" in done.out and "retain" in done.out + done.err, "that the data stays is told"
    kept = state["Secret", release.namespace, "shop-customers-password"]
    assert PART_OF not in kept["metadata"]["labels"]
    assert release.members() == release.template(shop("orders")).keys()
    annotations = release.get("Secret", release.parent)["metadata"]["annotations"]
    assert not annotations.get("applyset.kubernetes.io/additional-namespaces")
    assert "Pooler.postgresql.cnpg.io" not in annotations["applyset.kubernetes.io/contains-group-kinds"].split(",")
    release.run("diff", values=shop("orders"), code=DONE)

    release.apply(values)
    assert release.data("shop-customers-password")["password"] == password
    assert release.data("shop-customers-app", crm)["password"] == password
    assert release.members() == release.template(values).keys()


def test_prune_leaves_members_that_are_gone_already(release):
    release.apply(shop(poolers=[{"name": "rw"}]))
    release.judge.request("DELETE", f"/apis/postgresql.cnpg.io/v1/namespaces/{release.namespace}/poolers/shop-pooler-rw")
    release.apply(shop())
    release.run("diff", values=shop(), code=DONE)


def test_objects_that_others_deleted_come_back(release):
    release.apply(shop())
    password = release.data("shop-orders-password")["password"]
    for kind, path in (("secrets", "/api/v1"), ("databases", "/apis/postgresql.cnpg.io/v1")):
        name = "shop-orders" if kind == "databases" else "shop-orders-app"
        release.judge.request("DELETE", f"{path}/namespaces/{release.namespace}/{kind}/{name}")
    release.run("diff", values=shop(), code=1)
    release.apply(shop())
    assert release.data("shop-orders-app")["password"] == password
    assert release.get("Database", "shop-orders")


def test_lost_parent_is_made_again(release):
    """Members still carry the ApplySet's label: they are ours without their parent."""
    release.apply(shop())
    before = release.versions()
    release.judge.request("DELETE", f"/api/v1/namespaces/{release.namespace}/secrets/{release.parent}")
    release.apply(shop())
    after = release.versions()
    parent = ("Secret", release.namespace, release.parent)
    assert parent in after and {k: v for k, v in after.items() if k != parent} == {k: v for k, v in before.items() if k != parent}


# The guard

BEFORE = {"clusters": {**shop({"name": "orders", "owner": "orders", "encoding": "UTF8", "locale": "C.UTF-8"},
                              {"name": "my_app", "owner": "app"},
                              {"name": "tmp", "owner": "app", "reclaimPolicy": "delete"})["clusters"],
                       **shop("x", cluster="other")["clusters"]}}


def changed(change):
    values = copy.deepcopy(BEFORE)
    change(values["clusters"]["shop"], values["clusters"])
    return values


def replace_database(cluster, index, **keys):
    cluster["databases"][index] = {**cluster["databases"][index], **keys}


GUARD = {
    "cluster removed": ("other", lambda c, all: all.pop("other")),
    "cluster disabled": ("other", lambda c, all: all["other"].update(enabled=False)),
    "cluster renamed": ("other", lambda c, all: all.update(another=all.pop("other"))),
    "nothing left": ("shop", lambda c, all: all.clear()),
    "storage shrunk": ("shop", lambda c, all: c.update(storage={"size": "1Gi"})),
    "database renamed": ("my_app", lambda c, all: replace_database(c, 1, name="my-app")),
    "encoding": ("orders", lambda c, all: replace_database(c, 0, encoding="SQL_ASCII")),
    "locale": ("orders", lambda c, all: replace_database(c, 0, locale="C")),
    "data deleted with its object": ("tmp", lambda c, all: c["databases"].pop(2)),
    "major downgrade": ("shop", lambda c, all: c.update(imageName="ghcr.io/cloudnative-pg/postgresql:16.4")),
}


@pytest.fixture
def guarded(release) -> Release:
    release.apply(BEFORE)
    return release


@pytest.mark.parametrize("case", GUARD)
def test_guard(guarded, case):
    named, change = GUARD[case]
    said = refused_untouched(guarded, changed(change), code=GUARDED)
    assert named in said
    guarded.run("diff", values=changed(change), code=(1, GUARDED))
    guarded.apply(BEFORE)


def test_guard_tells_all_at_once(guarded):
    said = refused_untouched(guarded, changed(lambda c, all: (all.pop("other"), c["databases"].pop(2))), code=GUARDED)
    assert "other" in said and "tmp" in said


@pytest.mark.parametrize("case, kind, name", [("cluster removed", "Cluster", "other"),
                                              ("data deleted with its object", "Database", "shop-tmp")])
def test_allow_destroy(guarded, case, kind, name):
    """The refusal says what would allow it, and that does."""
    values = changed(GUARD[case][1])
    said = refused_untouched(guarded, values, code=GUARDED)
    allowed = re.findall(r"--allow-destroy[ =](\S+)", said)
    assert allowed, said
    refused_untouched(guarded, values, "--allow-destroy", "somethingelse", code=(GUARDED, REFUSED, USAGE))
    assert guarded.get(kind, name)
    guarded.apply(values, "--allow-destroy", allowed[0].strip("'\"`.,;)"))
    assert guarded.get(kind, name) is None
    guarded.run("diff", values=values, code=DONE)


def test_growing_is_no_destruction(guarded):
    guarded.apply(changed(lambda c, all: c.update(storage={"size": "3Gi"}, instances=2)))


@pytest.fixture
def uninstallable(knows, guarded):
    knows("uninstall")
    return guarded


def test_uninstall_needs_a_word(uninstallable):
    guarded = uninstallable
    said = refused_untouched(guarded, None, command="uninstall", code=GUARDED)
    assert "--keep-data" in said and "--allow-destroy" in said
    refused_untouched(guarded, None, "--allow-destroy", "other", command="uninstall", code=GUARDED)


def test_uninstall_keeps_data(uninstallable):
    guarded = uninstallable
    droppable = {f"{key[2]}" for key, obj in guarded.state().items()
                 if key[0] == "Database" and obj["spec"].get("databaseReclaimPolicy") == "delete"}
    clusters = {key for key in guarded.state() if key[0] == "Cluster" or key[2] in droppable}
    passwords = {key: value for key, value in guarded.passwords().items() if key[1].endswith("-password")}
    guarded.run("uninstall", "--keep-data")
    state = guarded.state()
    assert clusters <= state.keys() and not guarded.members()
    assert ("Secret", guarded.namespace, guarded.parent) not in state
    assert passwords.items() <= guarded.passwords().items(), "the roles' passwords go with the data"
    guarded.run("uninstall", "--keep-data", code=(DONE, REFUSED))


def test_uninstall_with_all_its_data(uninstallable):
    guarded = uninstallable
    guarded.create({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "theirs"}})
    said = refused_untouched(guarded, None, command="uninstall", code=GUARDED)
    names = [name.strip("'\"`.,;)") for name in re.findall(r"--allow-destroy[ =](\S+)", said)]
    names = sorted({*names, "shop", "other"} - {"NAME", "NAME…", "CLUSTER"})
    guarded.run("uninstall", *(word for name in names for word in ("--allow-destroy", name)))
    assert {key for key in guarded.state() if not key[2].endswith("-password")} == {("Secret", guarded.namespace, "theirs")}


def test_uninstall_across_namespaces(release, knows):
    knows("uninstall")
    crm = release.other_namespace("crm")
    release.apply(shop({"name": "customers", "owner": "customers", "targetNamespace": crm}))
    release.run("uninstall", "--keep-data")
    assert ("Secret", crm, "shop-customers-app") not in release.state()


# Passwords

@pytest.mark.parametrize("held", [
    lambda r: r.method == "POST" and r.path.endswith("/secrets") and r.writes,
    lambda r: r.method == "GET" and r.path.endswith("-password"),
], ids=["while it is made", "after the lists"])
def test_two_applies_agree_on_one_password(release, held):
    """One has its password ready, or has seen in the lists that there is none, while the other makes the Secret."""
    one = shop("orders")  # with two, the other password alone would have it look again
    finished = threading.Event()
    request = Fault(hold(finished), held)
    with FaultProxy(release.judge, [request]) as slow:
        process = release.start("apply", values=one, proxy=slow)
        while not request.hits:
            assert process.poll() is None, str(release.end(process))
        release.apply(one)
        passwords = release.passwords()
        finished.set()
        done = release.end(process)
        assert done.code == DONE, str(done)
    assert release.passwords() == passwords
    release.assert_one_password()
    release.run("diff", values=one, code=DONE)


@pytest.mark.parametrize("count", [2, 4])
def test_applies_at_once(release, count):
    processes = [release.start("apply", values=shop()) for _ in range(count)]
    ended = [release.end(process) for process in processes]
    assert [done.code for done in ended] == [DONE] * count, "\n".join(map(str, ended))
    release.assert_one_password()
    before = release.versions()
    release.apply(shop())
    assert release.versions() == before


def test_derived_passwords(release):
    key = release.folder / "key"
    made = subprocess.run([release.program, "keygen"], capture_output=True, text=True, check=True, timeout=60)
    key.write_text(made.stdout)
    key.chmod(0o600)
    release.apply(shop(), "--password-key-file", str(key))
    passwords = release.passwords()
    release.run("diff", "--password-key-file", str(key), values=shop(), code=DONE)
    for _, name in passwords:
        release.judge.request("DELETE", f"/api/v1/namespaces/{release.namespace}/secrets/{name}")
    release.apply(shop(), "--password-key-file", str(key))
    assert release.passwords() == passwords


def test_a_cluster_with_too_many_roles(release):
    """Its object is more than etcd takes, which no dry run tells."""
    done = release.apply(shop(*(f"d{i}" for i in range(9000))), code=REFUSED)
    assert re.search(r"Cluster shop: 1\.\d\d MB with its 9000 roles, and etcd takes 1\.5 MB", done.err)
    assert not release.state()


def test_existing_secret(release):
    values = shop({"name": "orders", "owner": "orders", "existingSecret": "mine"})
    said = refused_untouched(release, values, code=REFUSED)
    assert "mine" in said
    release.create({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "mine"}, "stringData": {"username": "orders"}})
    said = refused_untouched(release, values, code=REFUSED)
    assert "mine" in said and "password" in said
    release.patch("Secret", "mine", {"stringData": {"password": "D" * 32}}, "somebody")
    version = release.get("Secret", "mine")["metadata"]["resourceVersion"]
    release.apply(values)
    assert release.get("Secret", "mine")["metadata"]["resourceVersion"] == version
    connection = release.get("Secret", "shop-orders-app")
    if connection:
        assert release.data("shop-orders-app").get("password", "D" * 32) == "D" * 32
    release.run("diff", values=values, code=DONE)


def test_role_secrets_of_your_own(release):
    values = shop(roleSecrets={"create": False})
    said = refused_untouched(release, values, code=REFUSED)
    assert "shop-orders-password" in said and "shop-customers-password" in said, "all that is missing is told at once"
    for role in ("orders", "customers"):
        release.create({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": f"shop-{role}-password"},
                        "type": "kubernetes.io/basic-auth", "stringData": {"username": role, "password": "E" * 32}})
    release.apply(values)
    assert ("Secret", release.namespace, "shop-orders-password") not in release.members()
    release.apply(shop("orders", roleSecrets={"create": False}))
    assert release.data("shop-customers-password")["password"] == "E" * 32


# The ApplySet

def test_applyset(release):
    crm, web = release.other_namespace("crm"), release.other_namespace("a-web")
    values = shop({"name": "orders", "owner": "orders", "targetNamespace": web},
                  {"name": "customers", "owner": "customers", "targetNamespace": crm})
    release.apply(values)
    parent = release.get("Secret", release.parent)["metadata"]
    assert parent["labels"]["applyset.kubernetes.io/id"] == release.applyset_id
    assert parent["annotations"]["applyset.kubernetes.io/tooling"].startswith("cnpg-dbm/")
    assert parent["annotations"]["applyset.kubernetes.io/additional-namespaces"] == ",".join(sorted([web, crm]))
    kinds = parent["annotations"]["applyset.kubernetes.io/contains-group-kinds"]
    assert kinds == "Cluster.postgresql.cnpg.io,Database.postgresql.cnpg.io,Secret"
    assert not (release.get("Secret", release.parent).get("data"))
    assert PART_OF not in parent["labels"]


def test_kubectl_keeps_its_hands_off(release):
    release.apply(shop())
    before = release.versions()
    file = release.folder / "object.yaml"
    file.write_text("{apiVersion: v1, kind: ConfigMap, metadata: {name: x}}")
    run = subprocess.run(
        [release.judge.program("kubectl"), "--kubeconfig", release.judge.kubeconfig, "-n", release.namespace, "apply", "--prune",
         f"--applyset=secret/{release.parent}", "-f", file], capture_output=True, text=True, timeout=60,
        env={"KUBECTL_APPLYSET": "true", "HOME": str(release.folder), "PATH": os.environ["PATH"]})
    assert run.returncode and 'tooling "cnpg-dbm"' in run.stderr, run.stderr
    assert release.versions() == before


def test_parent_of_another_tool_is_refused(release):
    release.create({"apiVersion": "v1", "kind": "Secret", "metadata": {
        "name": release.parent, "labels": {"applyset.kubernetes.io/id": release.applyset_id},
        "annotations": {"applyset.kubernetes.io/tooling": "kubectl/v1.34", "applyset.kubernetes.io/contains-group-kinds": "Secret"}}})
    said = refused_untouched(release, shop(), code=REFUSED)
    assert "kubectl" in said and release.parent in said


def test_member_kinds_unknown_to_the_file_are_pruned(release):
    """contains-group-kinds says where to look, whatever the file needs now."""
    release.apply(shop(backup={"enabled": True, "s3": {"bucket": "b", "inheritFromIAMRole": True}},
                       monitoring={"enabled": True, "prometheusRule": {"enabled": True}}))
    kinds = {key[0] for key in release.members()}
    assert {"ScheduledBackup", "PrometheusRule"} <= kinds
    release.apply(shop())
    assert {key[0] for key in release.members()} == {"Cluster", "Database", "Secret"}


# What is known before anything is written

READ = [{"apiGroups": ["*"], "resources": ["*"], "verbs": ["get", "list", "watch"]}]
EVERYWHERE = [{"apiGroups": [""], "resources": ["namespaces"], "verbs": ["get"]},
              {"apiGroups": ["postgresql.cnpg.io"], "resources": ["clusterimagecatalogs"], "verbs": ["get", "list"]}]


@pytest.mark.parametrize("rules, verb, resource", [
    ([], "list|get", "secrets"),
    (READ, "create|patch", "secrets"),
    ([*READ, {"apiGroups": [""], "resources": ["secrets"], "verbs": ["*"]}], "create|patch", "clusters"),
    ([*READ, {"apiGroups": ["", "postgresql.cnpg.io"], "resources": ["secrets", "clusters"], "verbs": ["*"]}], "create|patch", "databases"),
], ids=["nothing", "reads", "secrets", "no databases"])
def test_missing_rights_are_named(release, rules, verb, resource):
    token = service_account(release.judge, release.namespace, "poor", rules, EVERYWHERE)
    with FaultProxy(release.judge) as proxy:
        done = release.run("apply", values=shop(), kubeconfig=proxy.kubeconfig(token=token), code=REFUSED)
        assert not proxy.writes, "\n".join(map(str, proxy.writes))
    assert re.search(verb, done.err) and resource in done.err and release.namespace in done.err, str(done)
    assert not release.state()


def test_right_to_delete_is_asked_for_before_a_prune(release):
    release.apply(shop(poolers=[{"name": "rw"}]))
    most = [{"apiGroups": ["*"], "resources": ["*"], "verbs": ["get", "list", "watch", "create", "patch", "update"]}]
    token = service_account(release.judge, release.namespace, "poor", most, EVERYWHERE)
    before = release.versions()
    with FaultProxy(release.judge) as proxy:
        done = release.run("apply", values=shop("orders"), kubeconfig=proxy.kubeconfig(token=token), code=REFUSED)
    assert "delete" in done.err and re.search("poolers|databases|secrets", done.err)
    assert release.versions() == before


def test_rights_in_the_namespace_alone_are_enough(release):
    token = service_account(release.judge, release.namespace, "tenant", [
        {"apiGroups": ["", "postgresql.cnpg.io"], "resources": ["*"], "verbs": ["*"]}])
    with FaultProxy(release.judge) as proxy:
        release.run("apply", values=shop(), kubeconfig=proxy.kubeconfig(token=token))


def test_rbac_is_enough_and_no_more(release, knows):
    knows("rbac")
    crm = release.other_namespace("crm")
    customers = {"name": "customers", "owner": "customers", "targetNamespace": crm}
    first = shop("orders", customers, poolers=[{"name": "rw"}],
                 backup={"enabled": True, "s3": {"bucket": "b", "inheritFromIAMRole": True}})
    roles = [obj for obj in yaml_objects(release.run("rbac", values=first).out) if obj["kind"] in ("Role", "ClusterRole")]
    assert roles and {role["metadata"].get("namespace") for role in roles if role["kind"] == "Role"} <= set(release.namespaces)
    token = service_account(release.judge, release.namespace, "deployer")
    granted = set()
    for role in roles:
        role["metadata"]["name"] += f"-{release.namespace}"
        grant(release.judge, role, release.namespace, "deployer")
        granted |= rights(role)
    assert "*" not in {part for right in granted for part in right[:3]}
    with FaultProxy(release.judge) as proxy:
        config = proxy.kubeconfig(token=token)
        for values in (first, first, shop("orders", {**customers, "connectionLimit": 5}, "more"), first, shop("orders")):
            release.apply(values, kubeconfig=config)
        release.run("diff", values=shop("orders"), kubeconfig=config, code=DONE)
        release.run("status", kubeconfig=config, code=None)
        used = rights_used(proxy.log)
        assert not [str(r) for r in proxy.log if r.status == 403]
    used_anywhere = {right[:3] for right in used}
    unused = sorted(right for right in granted if right not in used and (right[3] != "*" or right[:3] not in used_anywhere)
                    and right[0] != "watch" and right[2] != "deployments")  # --wait and status -w follow
    # what a release needs to take back what it made: every kind of it may have to be deleted
    unused = [right for right in unused if right[0] != "delete"]
    assert not unused, unused


def yaml_objects(text):
    return [obj for obj in yaml.safe_load_all(text) if obj]


def without_group(group: str):
    """An API server that does not know a group."""
    def edit(request, answer):
        if request.path.startswith(f"/apis/{group}"):
            answer.status, answer.body = 404, b"404 page not found\n"
            answer.headers = [("content-type", "text/plain")]
        elif request.path in ("/apis", "/apis/"):
            body = json.loads(answer.body)
            for key in ("groups", "items"):
                body[key] = [g for g in body.get(key) or () if (g.get("name") or g.get("metadata", {}).get("name")) != group]
            body = {key: value for key, value in body.items() if value}
            answer.body = json.dumps(body).encode()
        elif "customresourcedefinitions" in request.path:
            body = json.loads(answer.body)
            if "items" in body:
                body["items"] = [d for d in body["items"] if d["spec"]["group"] != group]
                answer.body = json.dumps(body).encode()
            elif body.get("spec", {}).get("group") == group:
                answer.status = 404
                answer.body = json.dumps({"kind": "Status", "status": "Failure", "reason": "NotFound", "code": 404, "message": "not found"}).encode()
        return answer
    return edit


@pytest.mark.parametrize("group, values, word", [
    ("postgresql.cnpg.io", shop(), "CloudNativePG|postgresql.cnpg.io"),
    ("monitoring.coreos.com", shop(monitoring={"enabled": True, "prometheusRule": {"enabled": True}}), "PrometheusRule|monitoring.coreos.com"),
    ("external-secrets.io", shop(roleSecrets={"source": "external"}), "ExternalSecret|external-secrets.io")])
def test_missing_definitions_are_named(release, group, values, word):
    with FaultProxy(release.judge, edit=without_group(group)) as proxy:
        done = release.run("apply", values=values, proxy=proxy, code=REFUSED)
        assert not proxy.writes
    assert re.search(word, done.err), str(done)
    assert not release.state()


def test_a_group_that_is_not_needed_may_be_missing(release):
    with FaultProxy(release.judge, edit=without_group("monitoring.coreos.com")) as proxy:
        release.run("apply", values=shop(), proxy=proxy)
        release.run("diff", values=shop(), proxy=proxy)


def test_operator_down(release):
    with webhooks_at(release.judge, 1):
        said = refused_untouched(release, shop(), code=REFUSED)
    assert "webhook" in said and "cnpg.io" in said
    assert not release.state()
    release.apply(shop())


def test_missing_namespaces(release):
    nowhere = Release(release.program, release.judge, release.folder, namespace="not-there")
    said = refused_untouched(nowhere, shop(), code=REFUSED)
    assert "not-there" in said
    values = shop("orders", {"name": "customers", "owner": "customers", "targetNamespace": "neither"})
    said = refused_untouched(release, values, code=REFUSED)
    assert "neither" in said
    assert not release.state()


@pytest.mark.parametrize("resource, kind", [("secrets", "Secret"), ("count/clusters.postgresql.cnpg.io", "Cluster")])
def test_quota(release, resource, kind):
    quotas = f"/api/v1/namespaces/{release.namespace}/resourcequotas"
    quota = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "few"}, "spec": {"hard": {resource: "0"}}}
    assert release.judge.request("POST", quotas, quota)[0] == 201
    # no controller counts here
    quota["status"] = {"hard": {resource: "0"}, "used": {resource: "0"}}
    assert release.judge.request("PATCH", f"{quotas}/few/status", {"status": quota["status"]}, "application/merge-patch+json")[0] == 200
    said = refused_untouched(release, shop(), code=REFUSED)
    assert "quota" in said and "few" in said
    assert not release.state()


def test_what_the_server_refuses_is_told_with_its_words(release):
    """An admission rule that no one knows but this server."""
    name = f"no-shops-{release.namespace}"
    base = "/apis/admissionregistration.k8s.io/v1"
    policy = {"apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingAdmissionPolicy", "metadata": {"name": name}, "spec": {
        "matchConstraints": {"resourceRules": [{"apiGroups": ["postgresql.cnpg.io"], "apiVersions": ["v1"], "operations": ["CREATE"],
                                                "resources": ["databases"]}]},
        "validations": [{"expression": "object.spec.owner == 'nobody'", "message": "nobody may own anything"}]}}
    binding = {"apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingAdmissionPolicyBinding", "metadata": {"name": name},
               "spec": {"policyName": name, "validationActions": ["Deny"], "matchResources": {"namespaceSelector": {
                   "matchLabels": {"kubernetes.io/metadata.name": release.namespace}}}}}
    paths = []
    try:
        for obj, plural in ((policy, "validatingadmissionpolicies"), (binding, "validatingadmissionpolicybindings")):
            assert release.judge.request("POST", f"{base}/{plural}", obj)[0] == 201
            paths.append(f"{base}/{plural}/{name}")
        probe = {"apiVersion": "postgresql.cnpg.io/v1", "kind": "Database", "metadata": {"name": "probe"},
                 "spec": {"name": "probe", "owner": "customers", "cluster": {"name": "shop"}}}
        until(lambda: release.judge.apply(probe, release.namespace, dry_run=True), "the policy is in force")
        said = refused_untouched(release, shop(), code=REFUSED)
        assert "nobody may own anything" in said and "Database" in said
        assert not release.state()
    finally:
        for path in paths:
            release.judge.request("DELETE", path)


# Size

def test_many_objects(release):
    """Several pages of lists, a whole release at once, and again nothing to do. A page's token may expire meanwhile."""
    values = {"clusters": {}}
    for first in range(0, MANY, 100):
        names = [f"app_{i:05}" for i in range(first, min(first + 100, MANY))]
        values["clusters"] |= shop(*names, cluster=f"c{first // 100:03}")["clusters"]
    release.apply(values, seconds=600)
    members = release.members()
    assert len(members) == MANY * 3 + len(values["clusters"])
    expired = Fault(says(410, "Expired", "The provided continue parameter is too old"), lambda r: "continue=" in r.query)
    before = release.versions()
    with FaultProxy(release.judge, [expired]) as proxy:
        release.run("apply", values=values, proxy=proxy, seconds=600)
        assert {request.method for request in proxy.log} == {"GET"} and len(proxy.log) < 60 + MANY // 20
    assert release.versions() == before
