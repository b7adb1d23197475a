"""Base backups, and the way back to a point in time."""

import datetime
import json

import pytest
from engine import values, wait_for

BACKUP = {"enabled": True, "s3": {"bucket": "b", "inheritFromIAMRole": True}}
WANTED = values("shop", "blog", poolers=[{"name": "rw"}], backup=BACKUP)


@pytest.fixture(scope="module")
def vault(home):
    report = home.up(WANTED)
    assert report["failed"] == [] and any("stanza" in d for d in report["done"])
    assert any("no base backup yet" in n for n in report["notices"])
    assert home.run("backups").stdout == "no backups\n" and json.loads(home.run("backups", "-o", "json").stdout) == []
    home.run("backup")
    return home


def backups(home, *arguments) -> list[dict]:
    return json.loads(home.run("backups", *arguments, "-o", "json").stdout)


def now(home) -> str:
    """The server's own time; what is committed before is before it, what comes later is later. Backups know
    whole seconds only: the one that the last ended in is over."""
    ended = backups(home)[-1]["stopped"].rstrip("Z")
    wait_for(lambda: home.admin(f"SELECT date_trunc('second', clock_timestamp() AT TIME ZONE 'UTC') > timestamp '{ended}'") == "t",
             "the next second")
    return home.admin("SELECT to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"') FROM pg_sleep(0.01)")


def test_backups_are_listed(vault):
    before = len(backups(vault))
    said = vault.run("backup", "main", "--type", "incr").stdout
    found = backups(vault)
    assert len(found) == before + 1 and found[-1]["type"] == "incr" and found[-1]["label"] in said
    assert all(b["cluster"] == "main" and b["size"] > b["repositorySize"] > 0 and not b["error"] for b in found)
    assert all(b["started"] <= b["stopped"] for b in found)
    assert found == backups(vault, "main")
    assert found[0]["label"] in vault.run("backups").stdout
    assert json.loads(vault.run("status", "-o", "json").stdout)["clusters"][0]["problems"] == []
    assert not vault.up()["changed"]


def test_a_dropped_table_comes_back(vault):
    vault.ask("shop", "shop", "CREATE TABLE sold AS SELECT n FROM generate_series(1, 1000) n")
    vault.ask("blog", "blog", "CREATE TABLE posts AS SELECT 1 AS n")
    point, passwords, state = now(vault), vault.passwords(), vault.state()
    vault.ask("shop", "shop", "DROP TABLE sold")
    done = vault.run("restore", "--at", point)
    assert "main: restored" in done.stdout and "is kept in" in done.stderr
    assert vault.ask("shop", "shop", "SELECT count(*) FROM sold") == "1000"
    assert vault.ask("blog", "blog", "SELECT count(*) FROM posts", port=vault.state()["poolers"]["rw"]) == "1"
    assert vault.passwords() == passwords and vault.state()["port"] == state["port"]
    assert vault.admin("SELECT pg_is_in_recovery()") == "f"
    assert vault.enter("shop", "blog").returncode == 2
    assert not vault.up()["changed"]
    kept = [p for p in vault.cluster().iterdir() if ".before-" in p.name]
    assert len(kept) == 1 and (kept[0] / "PG_VERSION").exists()
    assert vault.run("status").returncode == 0


def test_the_stanza_survives_a_restore(vault):
    vault.ask("shop", "shop", "DROP TABLE IF EXISTS again; CREATE TABLE again AS SELECT 1 AS n")
    before = len(backups(vault))
    vault.run("backup")
    assert len(backups(vault)) == before + 1
    point = now(vault)
    vault.ask("shop", "shop", "DROP TABLE again")
    vault.run("restore", "--at", point)
    assert vault.ask("shop", "shop", "SELECT n FROM again") == "1"


def test_other_points(vault):
    vault.ask("shop", "shop", "DROP TABLE IF EXISTS steps; CREATE TABLE steps (n int); INSERT INTO steps VALUES (1)")
    vault.admin("SELECT pg_create_restore_point('before the party')")
    vault.ask("shop", "shop", "INSERT INTO steps VALUES (2)")
    xid = vault.ask("shop", "shop", "INSERT INTO steps VALUES (3) RETURNING pg_current_xact_id()")
    vault.ask("shop", "shop", "INSERT INTO steps VALUES (4)")
    vault.run("restore", "--xid", xid)
    assert vault.ask("shop", "shop", "SELECT max(n) FROM steps") == "3"
    vault.run("restore", "--xid", xid, "--exclusive", exit_code=vault.call("status").returncode)
    assert vault.ask("shop", "shop", "SELECT max(n) FROM steps") in ("2", "3")
    vault.run("restore", "--name", "before the party")
    assert vault.ask("shop", "shop", "SELECT max(n) FROM steps") == "1"
    vault.run("restore")
    assert vault.ask("shop", "shop", "SELECT count(*) >= 1 FROM steps") == "t"


def test_what_cannot_be_restored_leaves_all_as_it_was(vault):
    vault.ask("shop", "shop", "DROP TABLE IF EXISTS here; CREATE TABLE here AS SELECT 5 AS n")
    pid, folders = vault.postmaster(), sorted(p.name for p in vault.cluster().iterdir())

    def is_as_it_was():
        vault.up()
        assert vault.ask("shop", "shop", "SELECT n FROM here") == "5"
        assert vault.ask("shop", "shop", "SELECT n FROM here", port=vault.state()["poolers"]["rw"]) == "5"
        assert sorted(p.name for p in vault.cluster().iterdir() if ".new" not in p.name) == folders
    # Refused before the servers are stopped:
    for arguments, said in ((["--backup", "20200101-000000F"], "20200101-000000F"), (["--at", "2020-01-01T00:00:00Z"], "")):
        done = vault.run("restore", *arguments, exit_code=1)
        assert said in done.stderr and "cnpg-dbm: error" in done.stderr
        is_as_it_was()
    # Found out by the server alone:
    later = (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=1)).isoformat(timespec="seconds")
    for arguments in (["--name", "no such point"], ["--at", later], ["--xid", "4000000000"]):
        done = vault.run("restore", *arguments, exit_code=1)
        assert "recovery ended before configured recovery target was reached" in done.stderr
        assert "everything is as it was before" in done.stderr
        is_as_it_was()
    for arguments, exit_code in ((["--at", "yesterday"], 2), (["--at", "2020-01-01T00:00:00Z", "--name", "x"], 2), (["other"], 1)):
        vault.run("restore", *arguments, exit_code=exit_code)
        is_as_it_was()
    assert vault.run("backup").stdout


def test_a_new_cluster_from_anothers_backups(vault):
    vault.ask("shop", "shop", "DROP TABLE IF EXISTS lent; CREATE TABLE lent AS SELECT 1 AS n")
    label = backups(vault)[-1]["label"]
    point = now(vault)
    vault.ask("shop", "shop", "INSERT INTO lent VALUES (2)")
    vault.admin("SELECT pg_switch_wal()")
    wait_for(lambda: vault.admin("SELECT last_archived_wal >= pg_walfile_name(pg_current_wal_lsn() - 1) OR failed_count > 0 FROM pg_stat_archiver") == "t", "the archiver")
    copy = {"enabled": True, "source": "main", "recoveryTarget": {"targetTime": point, "backupID": label}}
    external = [{"name": "main", "barmanObjectStore": {"destinationPath": "s3://b/main", "s3Credentials": {"inheritFromIAMRole": True}}}]
    both = {"clusters": {**WANTED["clusters"],
                         **values("shop", "blog", name="copy", recovery=copy, externalClusters=external)["clusters"]}}
    vault.write(both)
    reports = json.loads(vault.run("up", "-o", "json").stdout)["clusters"]
    assert [r.get("error") for r in reports] == [None, None]
    assert "restored from a backup" in reports[1]["done"]
    assert vault.ask("shop", "shop", "SELECT max(n) FROM lent", cluster="copy") == "1"
    assert vault.ask("shop", "shop", "SELECT max(n) FROM lent") == "2"
    assert vault.passwords("copy")["shop"] != vault.passwords()["shop"]
    assert vault.enter("shop", "shop", cluster="copy", password=vault.passwords()["shop"]).returncode == 2
    assert vault.enter("shop", "blog", cluster="copy").returncode == 2
    assert json.loads(vault.run("up", "-o", "json").stdout)["clusters"][1]["changed"] is False
    vault.run("down", "copy", "--delete-data", "--allow-destroy", "copy")
    # From nothing, nothing is made.
    both["clusters"]["copy"]["recovery"]["source"] = "gone"
    both["clusters"]["copy"]["externalClusters"][0]["name"] = "gone"
    vault.write(both)
    said = vault.run("up", exit_code=1).stderr
    assert "there are no backups of gone" in said
    assert not vault.data(cluster="copy").exists()
    vault.run("down", "copy", "--delete-data", "--allow-destroy", "copy")
    vault.up(WANTED)


def test_backups_that_are_not_there_are_told(folder):
    folder.up(values("shop"))
    assert "backup.enabled is false" in folder.run("backup", exit_code=1).stderr
    assert "there are no backups of it" in folder.run("restore", exit_code=1).stderr
    assert folder.ask("shop", "shop", "SELECT 1") == "1"
    folder.up(values("shop", instances=2, backup=BACKUP))  # switched on later
    folder.run("backup")
    folder.ask("shop", "shop", "CREATE TABLE two AS SELECT 2 AS n")
    point = now(folder)
    folder.ask("shop", "shop", "DROP TABLE two")
    folder.run("restore", "--at", point)
    assert folder.ask("shop", "shop", "SELECT n FROM two") == "2"
    wait_for(lambda: folder.enter("shop", "shop", "SELECT n FROM two", host="127.0.0.2").stdout == "2\n", "the replica made anew")
    wait_for(lambda: folder.call("status").returncode == 0, "a healthy cluster")
    assert not folder.up()["changed"]
