"""The README's story on a real cluster, in its order: the tests of this file share one SaaS file's cluster."""

import datetime
import json
import threading
import time

import pytest

from conftest import EXAMPLES, HERE, PATIENCE, ask, connect, door, door_opens, eventually, finish, measured

NAMESPACE = "saas"
CLUSTER = "saas-prod"
TENANTS = {"tenant-acme": "tenant_acme", "tenant-widgets": "tenant_widgets", "tenant-global": "tenant_global"}
FILES = ("-f", EXAMPLES / "20-multi-tenant-saas.yaml", "-f", HERE / "saas.yaml")
URIS = ("uri", "pooler-rw-uri", "pooler-any-uri")
REFUSED = ("pg_hba.conf rejects connection", "login rejected")


class Watcher(threading.Thread):
    """Notes when each of its questions was first answered with yes."""

    def __init__(self, questions: dict):
        super().__init__(daemon=True)
        self._questions = questions
        self._ended = threading.Event()
        self.seen: dict[str, float] = {}

    def run(self):
        while len(self.seen) < len(self._questions) and not self._ended.wait(0.1):
            for what, question in self._questions.items():
                try:
                    if what not in self.seen and question():
                        self.seen[what] = time.monotonic()
                except (AssertionError, KeyError, OSError):
                    pass

    def answers(self) -> dict[str, float]:
        """Waits for those that are still missing."""
        self.join(PATIENCE)
        self._ended.set()
        return self.seen


def connection_secret(kube, database: str, cluster: str = CLUSTER, namespace: str = NAMESPACE) -> dict[str, str]:
    return kube.secret(namespace, f"{cluster}-{database}-app")


@pytest.fixture(scope="module")
def saas(kube, dbm, s3):
    """The SaaS file, applied with --wait into an empty cluster; when each thing was first so, in seconds from the start."""
    kube.make_namespace(NAMESPACE)
    kube.make_secret(NAMESPACE, "saas-s3", ACCESS_KEY_ID="tests", AWS_SECRET_ACCESS_KEY="tests", AWS_DEFAULT_REGION="eu-central-1")
    began = time.monotonic()
    questions = {"ready": lambda: kube.ready("Cluster", NAMESPACE, CLUSTER)}
    for database in TENANTS:
        questions[database] = lambda database=database: door(connection_secret(kube, database)["uri"]) is None
    watcher = Watcher(questions)
    watcher.start()
    finish(dbm.apply(NAMESPACE, *FILES))
    returned = time.monotonic()
    doors = {(database, uri): door_opens(connection_secret(kube, database)[uri]) for database in TENANTS for uri in URIS}
    seen = {what: at - began for what, at in watcher.answers().items()}
    return {"returned": returned - began, "doors": doors, **seen}


def test_apply_waits_until_every_tenant_gets_in(saas):
    closed = {door: said for door, said in saas["doors"].items() if said}
    assert not closed
    measured(f"three tenants, two poolers: apply --wait returned after {saas['returned']:.1f} s")


def test_databases_are_usable_5_s_after_the_cluster_is_ready(saas):
    late = max(saas[database] for database in TENANTS) - saas["ready"]
    measured(f"Cluster ready after {saas['ready']:.1f} s, the last database usable {late:+.1f} s from there")
    assert late <= 5


def test_every_other_door_is_closed(kube, saas):
    tried = 0
    for database in TENANTS:
        secret = connection_secret(kube, database)
        for uri in URIS:
            for other in (TENANTS.keys() - {database}) | {"postgres", "template1"}:
                said = door(secret[uri], other)
                tried += 1
                assert said and any(words in said for words in REFUSED), f"{database} at {other} by {uri}: {said or 'let in'}"
    measured(f"{len(TENANTS) * len(URIS)} doors open, {tried} closed")


def test_diff_says_the_same_and_apply_changes_nothing(kube, dbm, saas):
    def generations():
        return {(kind, obj["metadata"]["name"]): obj["metadata"].get("generation") or obj["metadata"]["resourceVersion"]
                for kind in ("Cluster", "Database", "Pooler", "ScheduledBackup", "Secret")
                for obj in kube.list(kind, NAMESPACE, "app.kubernetes.io/managed-by=cnpg-dbm")}

    pods, before = kube.pods(NAMESPACE), generations()
    dbm.run("diff", "-n", NAMESPACE, *FILES)
    dbm.applied(NAMESPACE, *FILES)
    assert generations() == before
    assert kube.pods(NAMESPACE) == pods


def test_status_is_healthy(dbm, saas):
    assert json.loads(dbm.run("status", "-n", NAMESPACE, "-o", "json").stdout)


def completed_backup(kube) -> dict | None:
    backups = kube.list("Backup", NAMESPACE, f"cnpg.io/cluster={CLUSTER}")
    failed = [b["status"].get("error") for b in backups if b.get("status", {}).get("phase") == "failed"]
    if failed:
        pytest.fail(f"backup failed: {failed}")
    return next((b for b in backups if b.get("status", {}).get("phase") == "completed"), None)


def seconds(begin: str, end: str) -> float:
    parse = datetime.datetime.fromisoformat
    return (parse(end.replace("Z", "+00:00")) - parse(begin.replace("Z", "+00:00"))).total_seconds()


def test_a_backup_to_s3_completes(kube, saas):
    backup = eventually("backup", lambda: completed_backup(kube))
    status = backup["status"]
    assert status["destinationPath"] == "s3://my-backups/prod-cluster"
    measured(f"backup: made with the ScheduledBackup, {seconds(status['startedAt'], status['stoppedAt']):.0f} s long")


def test_recovery_to_a_point_in_time_from_the_readme(kube, dbm, s3, saas):
    """The README's example as it is, with its placeholders set: the endpoint, the time, whose backups, which database."""
    eventually("backup", lambda: completed_backup(kube))
    tenant = connect(connection_secret(kube, "tenant-acme")["uri"])
    ask(tenant, "CREATE TABLE orders (item text)")
    ask(tenant, "INSERT INTO orders VALUES ('kept')")
    target = ask(tenant, "SELECT to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')")[0][0]
    ask(tenant, "INSERT INTO orders VALUES ('undone')")
    tenant.close()
    wal = kube.sql(NAMESPACE, CLUSTER, "SELECT pg_walfile_name(pg_switch_wal())")
    eventually("archived WAL", lambda: kube.sql(NAMESPACE, CLUSTER, "SELECT last_archived_wal FROM pg_stat_archiver") >= wal, every=0.5)

    namespace = kube.make_namespace("recovery")
    kube.make_secret(namespace, "backup-creds", ACCESS_KEY_ID="tests", ACCESS_SECRET_KEY="tests")
    began = time.monotonic()
    dbm.applied(
        namespace, "-f", EXAMPLES / "08-disaster-recovery-and-point-in-time-recovery-pit.yaml",
        "--set", "clusters.recovered.instances=1",
        "--set", f"clusters.recovered.recovery.recoveryTarget.targetTime={target}",
        "--set", f"clusters.recovered.externalClusters[0].barmanObjectStore.endpointURL={s3}",
        "--set", f"clusters.recovered.externalClusters[0].barmanObjectStore.serverName={CLUSTER}",
        "--set", "clusters.recovered.databases[0].name=tenant-acme,clusters.recovered.databases[0].owner=tenant_acme")
    returned = time.monotonic() - began
    uri = connection_secret(kube, "tenant-acme", "recovered", namespace)["uri"]
    assert door_opens(uri) is None
    recovered = connect(uri)
    assert ask(recovered, "SELECT item FROM orders") == [("kept",)]
    ask(recovered, "INSERT INTO orders VALUES ('new')")
    recovered.close()
    measured(f"recovery to a point in time: apply --wait returned after {returned:.1f} s, with the row before and without the row after")
    kube.delete("Cluster", namespace, "recovered")


def test_a_rotated_password_works_and_old_sessions_go_on(kube, dbm, saas):
    old = connection_secret(kube, "tenant-acme")
    sessions = [connect(old[uri]) for uri in URIS]
    others = {database: connection_secret(kube, database) for database in TENANTS if database != "tenant-acme"}
    began = time.monotonic()
    dbm.run("rotate", "-n", NAMESPACE, "--cluster", CLUSTER, "--role", "tenant_acme")
    returned = time.monotonic() - began
    new = connection_secret(kube, "tenant-acme")
    assert new["password"] != old["password"]
    for uri in URIS:
        assert new[uri] == old[uri].replace(old["password"], new["password"])
        eventually(f"the new password by {uri}", lambda uri=uri: door(new[uri]) is None, 10)
    works = time.monotonic() - began
    for uri, session in zip(URIS, sessions):
        assert "password authentication failed" in (door(old[uri]) or "let in") or uri != "uri"
        assert ask(session, "SELECT 1") == [(1,)], f"the session by {uri} ended"
        session.close()
    assert {database: connection_secret(kube, database) for database in others} == others
    measured(f"rotate: returned after {returned:.1f} s, the new password works at every door after {works:.1f} s; old sessions go on")
    assert works <= 10


def test_the_primary_killed_in_the_middle_of_an_apply(kube, dbm, saas):
    """A second instance first. Then a tenant more, and the primary's Pod is killed as soon as the Cluster has been changed: apply must still end well."""
    two = (*FILES, "--set", "clusters.saas-prod.instances=2")
    began = time.monotonic()
    dbm.applied(NAMESPACE, *two)
    assert kube.get("Cluster", NAMESPACE, CLUSTER)["status"]["readyInstances"] == 2
    measured(f"a second instance: {time.monotonic() - began:.1f} s")
    before = kube.get("Cluster", NAMESPACE, CLUSTER)
    primary = before["status"]["currentPrimary"]
    more = (*two, "--set", "clusters.saas-prod.databases[3].name=tenant-late,clusters.saas-prod.databases[3].owner=tenant_late")
    began = time.monotonic()
    process = dbm.apply(NAMESPACE, *more)
    eventually("the change", lambda: kube.get("Cluster", NAMESPACE, CLUSTER)["metadata"]["generation"] > before["metadata"]["generation"], 30, 0.02)
    kube.delete("Pod", NAMESPACE, primary, grace=0)
    killed = time.monotonic()
    eventually("another primary", lambda: kube.get("Cluster", NAMESPACE, CLUSTER)["status"]["currentPrimary"] != primary)
    promoted = time.monotonic()
    finish(process)
    returned = time.monotonic()
    for database in (*TENANTS, "tenant-late"):
        secret = connection_secret(kube, database)
        for uri in URIS:
            assert door_opens(secret[uri]) is None, f"{database} by {uri}"
        assert door(secret["uri"], "postgres")
    dbm.run("diff", "-n", NAMESPACE, *more)
    measured(f"primary killed {killed - began:.1f} s into an apply: another one {promoted - killed:.1f} s later, apply returned after {returned - began:.1f} s, the new tenant is in")


def test_uninstall_wants_a_word_and_keeps_the_data(kube, dbm, saas):
    def everything():
        return {(kind, obj["metadata"]["name"]): obj["metadata"]["uid"]
                for kind in ("Cluster", "Database", "Pooler", "ScheduledBackup", "Secret", "PersistentVolumeClaim")
                for obj in kube.list(kind, NAMESPACE)}

    before, pods = everything(), kube.pods(NAMESPACE)
    connection_secrets = {f"{CLUSTER}-{database}-app" for database in TENANTS}
    uri = connection_secret(kube, "tenant-acme")["uri"]
    dbm.run("uninstall", "-n", NAMESPACE, code=3)
    assert everything() == before and kube.pods(NAMESPACE) == pods
    dbm.run("uninstall", "-n", NAMESPACE, "--keep-data", "--wait")
    after = everything()
    for key in before:
        if key[0] in ("Cluster", "PersistentVolumeClaim", "ScheduledBackup") or key[1].endswith("-password"):
            assert after.get(key) == before[key], f"{key} is gone"
        if key[0] in ("Pooler", "Database") or key[1] in connection_secrets:
            assert key not in after, f"{key} is there"
    instances = {name: pod for name, pod in pods.items() if "pooler" not in name}
    assert instances.items() <= kube.pods(NAMESPACE).items()
    assert door(uri) is None
    measured(f"uninstall --keep-data: {len(before.keys() & after.keys())} of {len(before)} objects stay, and tenants still get in")
