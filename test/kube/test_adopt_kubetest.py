"""adopt: a release of Helm 3 or 4 becomes ours, and goes back."""

import functools
import os
import pathlib
import re
import shutil
import subprocess
import threading

import pytest
import yaml

from faultproxy import Fault, FaultProxy, kill_after, kill_before, reset_after
from releases import DONE, PART_OF, REFUSED, Release, differences, in_parallel, shop, worth_breaking

ROOT = pathlib.Path(__file__).resolve().parents[2]
VALUES = shop("orders", {"name": "customers", "owner": "customers"}, maxConnections=200)
VALUES["clusters"]["shop"] |= {
    "poolers": [{"name": "rw", "instances": 2, "poolMode": "transaction", "parameters": {"default_pool_size": "5"}}],
    "backup": {"enabled": True, "schedule": "0 0 3 * * *", "s3": {"bucket": "b", "path": "shop", "region": "r", "credentials": {"existingSecret": "keys"}}}}
VALUES["extraObjects"] = [{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "shop-extra"}, "data": {"a": "b"}}]


@pytest.fixture(scope="session")
def chart(tmp_path_factory):
    """bench/chart, which makes the same objects, as a chart that knows nothing of ApplySets."""
    folder = tmp_path_factory.mktemp("chart") / "chart"
    shutil.copytree(ROOT / "bench/chart", folder)
    helpers = folder / "templates/_helpers.tpl"
    text = re.sub(r".*(applyset\.kubernetes\.io|managed-by).*\n", "", helpers.read_text())
    label = "helm.sh/chart: chart-{{ .root.Values.chartVersion | default 1 }}\n"
    helpers.write_text(text.replace("cnpg.io/cluster:", f"{label}cnpg.io/cluster:"))
    (folder / "values.yaml").write_text("clusters: {}\n")
    (folder / "templates/extra.yaml").write_text("{{- range .Values.extraObjects }}\n---\n{{ toYaml . }}\n{{- end }}\n")
    return folder


@pytest.fixture
def run_helm(judge, chart, tmp_path):
    def run(program, release, *words, code=0, content=VALUES) -> str:
        values = tmp_path / f"helm-{release.namespace}.yaml"
        values.write_text(yaml.safe_dump(content))
        if words[0] in ("install", "upgrade"):
            words = (*words, release.name, chart, "-f", values)
        else:
            words = (*words, release.name)
        done = subprocess.run([judge.program(program), *words, "-n", release.namespace, "--kubeconfig", judge.kubeconfig],
                              capture_output=True, text=True, timeout=60, env={"HOME": str(tmp_path), "PATH": os.environ["PATH"]})
        assert (done.returncode == 0) == (code == 0), done.stderr
        return done.stdout + done.stderr
    return run


class Helm:
    """One major version. `operation`: what managedFields say of what it installs."""

    def __init__(self, program: str, run):
        self.operation = {"helm": "Update", "helm4": "Apply"}[program]
        self._run = functools.partial(run, program)

    def __call__(self, release, *words, **options) -> str:
        return self._run(release, *words, **options)


@pytest.fixture(params=["helm", "helm4"])
def helm(request, run_helm) -> Helm:
    return Helm(request.param, run_helm)


@pytest.fixture
def installed(releases, helm, knows):
    knows("adopt")

    def make(*flags) -> Release:
        release = releases()
        release.create({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "keys"}, "stringData": {
            "ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "AWS_DEFAULT_REGION": "r"}})
        helm(release, "install", *flags)
        return release

    return make


def ours(release) -> set:
    return {key for key in release.state() if key[0] != "Secret" or key[2].startswith("shop-")}


def without_helms(state: dict) -> dict:
    return {key: obj for key, obj in state.items() if not key[2].startswith("sh.helm.release")}


def without_dots(value):
    """Without "." of fieldsV1: whether a map itself is managed depends on who wrote its first key."""
    if isinstance(value, dict):
        return {key: without_dots(item) for key, item in value.items() if key != "."}
    return [without_dots(item) for item in value] if isinstance(value, list) else value


def managers(obj: dict) -> set:
    """(manager, operation) of each entry that is of no subresource."""
    return {(entry["manager"], entry["operation"]) for entry in obj["metadata"]["managedFields"]
            if not entry.get("subresource")}


def assert_is_helms(release, operation: str, among: set):
    state = release.state()
    for key in among:
        metadata = state[key]["metadata"]
        assert metadata["annotations"]["meta.helm.sh/release-name"] == release.name, key
        assert metadata["labels"]["app.kubernetes.io/managed-by"] == "Helm", key
        assert PART_OF not in metadata["labels"], key
        assert managers(state[key]) == {("helm", operation)}, key


def test_apply_refuses_what_is_helms(installed):
    release = installed()
    before = release.versions()
    done = release.apply(VALUES, code=REFUSED)
    assert "Helm" in done.err and "adopt" in done.err and "shop" in done.err
    assert release.versions() == before


def test_dry_run(installed):
    release = installed()
    before = release.versions()
    with FaultProxy(release.judge) as proxy:
        done = release.run("adopt", "--dry-run=server", proxy=proxy)
        assert not proxy.writes
    assert "10 objects" in done.out and release.versions() == before


def test_adopt(installed):
    release = installed()
    passwords, objects = release.passwords(), ours(release)
    specs = {key: obj.get("spec") for key, obj in release.state().items()}
    done = release.run("adopt")
    assert release.name in done.out and "    ! " not in done.out, f"the next apply would be refused: {done}"
    assert release.passwords() == passwords
    assert release.members() == objects
    assert {key: release.state()[key].get("spec") for key in objects} == {key: specs[key] for key in objects}
    release.apply(VALUES)
    assert release.passwords() == passwords
    assert release.members() == {(kind, ns or release.namespace, name) for kind, ns, name in release.template(VALUES)}
    release.run("diff", values=VALUES, code=DONE)
    before = release.versions()
    release.run("adopt", code=(DONE, REFUSED))
    assert release.versions() == before


def test_fields_are_ours_afterwards(installed):
    """What the file no longer says goes, though Helm once wrote it."""
    release = installed()
    release.run("adopt")
    values = yaml.safe_load(yaml.safe_dump(VALUES))
    del values["clusters"]["shop"]["poolers"][0]["parameters"]
    release.apply(values)
    assert not release.get("Pooler", "shop-pooler-rw")["spec"]["pgbouncer"].get("parameters")
    for key, obj in release.state().items():
        if key in release.members():
            assert "helm" not in {entry["manager"] for entry in obj["metadata"]["managedFields"]}, key


def test_helm_can_do_no_harm_afterwards(installed, helm):
    """helm uninstall would delete every database of the release."""
    release = installed()
    release.run("adopt")
    release.apply(VALUES)
    objects = ours(release)
    try:
        helm(release, "uninstall")
    except AssertionError:
        pass  # Helm does not know the release any more
    assert objects <= release.state().keys()


def test_back(installed, helm):
    release = installed()
    before = without_dots(without_helms(release.normalised()))
    passwords = release.passwords()
    release.run("adopt")
    release.run("adopt", "--back")
    assert not release.members() and ("Secret", release.namespace, release.parent) not in release.state()
    assert release.passwords() == passwords
    assert_is_helms(release, helm.operation, ours(release))
    found = differences(without_dots(without_helms(release.normalised())), before)
    assert not found, found
    helm(release, "upgrade")
    helm(release, "uninstall")
    assert release.get("Cluster", "shop") is None


def test_back_after_changes(installed, helm):
    """Fields that only we wrote, fields that Helm writes otherwise, and a kept password that is no member any more."""
    release = installed()
    release.run("adopt")
    release.apply(shop("customers", maxConnections=300, instances=2, backup=VALUES["clusters"]["shop"]["backup"]))
    kept = ("Secret", release.namespace, "shop-orders-password")
    assert kept in release.state() and kept not in release.members()
    passwords = release.passwords()
    release.run("adopt", "--back")
    assert release.passwords() == passwords
    assert_is_helms(release, helm.operation, {
        kept, ("Cluster", release.namespace, "shop"), ("Database", release.namespace, "shop-customers")})
    helm(release, "upgrade", content=VALUES | {"chartVersion": 2})
    cluster = release.get("Cluster", "shop")
    assert cluster["metadata"]["labels"]["helm.sh/chart"] == "chart-2"
    if helm.operation == "Apply":  # a client-side upgrade of a custom resource sends what differs between two manifests
        assert cluster["spec"]["postgresql"]["parameters"]["max_connections"] == "200"
    assert release.get("Database", "shop-orders") and release.get("Pooler", "shop-pooler-rw")
    assert managers(cluster) == {("helm", helm.operation)}


@pytest.mark.parametrize("helm", ["helm4"], indirect=True)
def test_helm_4_with_client_side_apply(installed, helm):
    release = installed("--server-side=false")
    release.run("adopt")
    release.run("adopt", "--back")
    assert_is_helms(release, "Update", ours(release))
    helm(release, "upgrade", content=VALUES | {"chartVersion": 2})
    helm(release, "upgrade", "--server-side=true", content=VALUES | {"chartVersion": 3})
    release.run("adopt")
    release.run("adopt", "--back")
    assert_is_helms(release, "Apply", ours(release))
    helm(release, "upgrade", content=VALUES | {"chartVersion": 4})


@pytest.mark.parametrize("helm", ["helm"], indirect=True)
def test_from_helm_3_to_helm_4(installed, run_helm):
    """Helm 4 goes on client-side with what Helm 3 installed."""
    release = installed()
    run_helm("helm4", release, "upgrade")
    release.run("adopt")
    release.run("adopt", "--back")
    assert_is_helms(release, "Update", ours(release))
    run_helm("helm4", release, "upgrade", content=VALUES | {"chartVersion": 2})
    assert release.get("Cluster", "shop")["metadata"]["labels"]["helm.sh/chart"] == "chart-2"


@pytest.mark.parametrize("helm", ["helm4"], indirect=True)
def test_from_helm_4_to_helm_3(installed, run_helm):
    """Helm 3 writes client-side over what Helm 4 applied: its objects have fields of both kinds."""
    release = installed()
    run_helm("helm", release, "upgrade", content=VALUES | {"chartVersion": 2})
    assert managers(release.get("Cluster", "shop")) == {("helm", "Apply"), ("helm", "Update")}
    release.run("adopt")
    assert managers(release.get("Cluster", "shop")) == {("cnpg-dbm", "Apply")}
    release.run("adopt", "--back")
    assert_is_helms(release, "Update", ours(release))
    run_helm("helm", release, "upgrade", content=VALUES | {"chartVersion": 3})


def moves_the_cluster(request) -> bool:
    return request.headers.get("content-type", "").startswith("application/json-patch") and request.path.endswith("/clusters/shop")


@pytest.mark.parametrize("flags", [(), ("--back",)], ids=["there", "back"])
@pytest.mark.parametrize("times", [1, 3])
def test_an_operator_writes_its_status_in_between(installed, helm, flags, times):
    """Managed fields can be written only for the version that was seen."""
    release = installed()
    if flags:
        release.run("adopt")
    lock, written = threading.Lock(), []

    def operate(request):
        with lock:
            if moves_the_cluster(request) and len(written) < times:
                written.append(request)
                release.patch("Cluster", "shop", {"status": {"readyInstances": len(written)}}, "operator", subresource="/status")

    passwords, objects = release.passwords(), ours(release)
    with FaultProxy(release.judge, on_request=operate) as proxy:
        release.run("adopt", *flags, proxy=proxy)
    assert len(written) == times and release.passwords() == passwords
    assert release.members() == (set() if flags else objects)
    cluster = release.get("Cluster", "shop")
    assert "operator" in {entry["manager"] for entry in cluster["metadata"]["managedFields"]}
    assert managers(cluster) == {("helm", helm.operation) if flags else ("cnpg-dbm", "Apply")}


def test_somebody_changes_an_object_in_between(installed):
    """It is not what was proven to move without a change: it does not move, and another run goes on."""
    release = installed()

    def edit(request):
        if moves_the_cluster(request):
            release.patch("Cluster", "shop", {"spec": {"instances": 3}}, "helm")

    with FaultProxy(release.judge, on_request=edit) as proxy:
        done = release.run("adopt", code=REFUSED, proxy=proxy)
    assert "Cluster shop: somebody has just changed it" in done.err and "adopt" in done.err
    assert ("Cluster", release.namespace, "shop") not in release.members()
    release.run("adopt")
    assert release.members() == ours(release)
    assert release.get("Cluster", "shop")["spec"]["instances"] == 3


def test_an_upgrade_that_failed(installed, helm):
    """What it had made before it failed is of no deployed revision, and carries Helm's marks."""
    release = installed()
    more = yaml.safe_load(yaml.safe_dump(VALUES))
    more["clusters"]["shop"]["databases"].append({"name": "late", "owner": "late"})
    more["clusters"]["shop"]["storage"]["size"] = "1Mi"  # a volume never shrinks
    assert "can't shrink" in helm(release, "upgrade", code=1, content=more)
    made = {key for key in ours(release) if "late" in key[2]}
    assert made
    password = release.data("shop-late-password")["password"]
    done = release.run("adopt")
    assert f"revision 2 of Helm did not end well; what only it made is taken over too: {len(made)} objects" in done.err
    assert "- Database shop-late" in done.out
    assert release.members() == ours(release) >= made
    more["clusters"]["shop"]["storage"] = VALUES["clusters"]["shop"]["storage"]
    release.apply(more)
    assert release.data("shop-late-password")["password"] == password
    release.run("diff", values=more, code=DONE)
    release.run("adopt", "--back")
    assert_is_helms(release, helm.operation, made)
    helm(release, "upgrade", content=more)
    release.run("adopt")
    release.run("adopt", "--back")
    assert_is_helms(release, helm.operation, ours(release))


def test_nothing_to_adopt(release, knows):
    knows("adopt")
    done = release.run("adopt", code=REFUSED)
    assert release.name in done.err and release.namespace in done.err


def test_another_helm_release_is_left_alone(installed, helm):
    release = installed()
    other = Release(release.program, release.judge, release.folder, release.namespace, name="second")
    before = release.versions()
    other.run("adopt", code=REFUSED)
    assert release.versions() == before


@pytest.mark.parametrize("helm, act", [("helm", kill_before), ("helm4", kill_after), ("helm4", reset_after)],
                         ids=["killed before", "killed after", "reset after"], indirect=["helm"])
def test_fault_at_every_request(installed, act):
    reference = installed()
    with FaultProxy(reference.judge) as proxy:
        reference.run("adopt", proxy=proxy)
        requests = worth_breaking(proxy.log)
    reference.apply(VALUES)

    def at(number):
        release = installed()
        passwords = release.passwords()
        with FaultProxy(release.judge, [Fault(act, number)]) as proxy:
            release.end(release.start("adopt", proxy=proxy))
        done = release.run("adopt", code=None)
        if done.code not in (DONE, REFUSED):
            return f"{number}: again: {done}"
        done = release.apply(VALUES, code=None)
        if done.code != DONE:
            return f"{number}: apply: {done}"
        if release.passwords() != passwords:
            return f"{number}: other passwords"
        found = differences(without_helms(release.normalised()), without_helms(reference.normalised()))
        return f"{number}: {found}" if found else None

    wrong = [said for said in in_parallel(at, requests) if said]
    assert not wrong, "\n".join(wrong[:5])


def test_killed_at_every_request_of_the_way_back(installed, helm):
    reference = installed()
    reference.run("adopt")
    with FaultProxy(reference.judge) as proxy:
        reference.run("adopt", "--back", proxy=proxy)
        requests = worth_breaking(proxy.log)

    def at(number):
        release = installed()
        passwords = release.passwords()
        release.run("adopt")
        with FaultProxy(release.judge, [Fault(kill_after, number)]) as proxy:
            release.end(release.start("adopt", "--back", proxy=proxy))
        done = release.run("adopt", "--back", code=None)
        if done.code not in (DONE, REFUSED):
            return f"{number}: again: {done}"
        if release.members() or release.passwords() != passwords:
            return f"{number}: {release.members()}, or other passwords"
        found = differences(without_helms(release.normalised()), without_helms(reference.normalised()))
        if not found:
            helm(release, "upgrade")
        return f"{number}: {found}" if found else None

    wrong = [said for said in in_parallel(at, requests) if said]
    assert not wrong, "\n".join(wrong[:5])
