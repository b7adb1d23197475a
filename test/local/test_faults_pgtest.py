"""What goes wrong: killed runs, killed servers, taken ports, foreign folders, full disks."""

import contextlib
import json
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import time

import pytest
from engine import folder as new_folder
from engine import golden, owner, values, wait_for

POOLERS = [{"name": "rw"}]
WANTED = values({"name": "shop", "owner": "shop", "users": [{"name": "reader", "access": "read"}]}, "blog", poolers=POOLERS)


@pytest.fixture
def up(home):
    """The module's cluster, as the file says."""
    assert home.up(WANTED)["failed"] == []
    return home


def kill(pid: int, number: int = signal.SIGKILL) -> None:
    os.kill(pid, number)


def is_right(home, content: dict = WANTED) -> None:
    """One more `up` finishes, all is there, and then there is nothing to do."""
    report = home.up(content)
    assert report["failed"] == []
    cluster = next(iter(content["clusters"].values()))
    for database in cluster["databases"][:2] + cluster["databases"][-2:]:  # poolers keep connections
        for port in (0, *home.state()["poolers"].values()):
            assert home.enter(database["owner"], database["name"], port=port).returncode == 0
    assert home.enter("blog", "shop").returncode == 2
    again = home.up(content)
    assert not again["changed"], again["done"]
    wait_for(lambda: home.call("status").returncode == 0, "a healthy cluster")
    left = [p.name for p in home.cluster().iterdir() if ".new" in p.name or ".before" in p.name]
    assert not left


def kill_after(home, seconds: float) -> bool:
    """True when `up` was killed before its end."""
    process = home.start("up")
    try:
        process.communicate(timeout=seconds)
        return False
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        return True


def kill_when(home, condition) -> bool:
    """The same, as soon as something is there."""
    process = home.start("up")
    try:
        while process.poll() is None:
            if condition():
                process.kill()
                return True
            time.sleep(0.001)
        return False
    finally:
        process.communicate()


def test_killed_at_any_point_and_finished_by_the_next(folder):
    """From an empty folder: at each of these, then at random points."""
    content = json.loads(json.dumps(WANTED))
    content["clusters"]["main"].update(instances=2, poolers=[*POOLERS, {"name": "ro", "type": "ro"}],
                                       backup={"enabled": True, "s3": {"bucket": "b", "inheritFromIAMRole": True}})
    folder.write(content)
    data, replica = folder.data(), folder.data(2)
    points = [lambda: folder.dir.exists(), lambda: data.with_name("instance-1.new").exists(),
              lambda: (data.with_name("instance-1.new") / "PG_VERSION").exists(), lambda: data.exists(),
              lambda: (data / "postmaster.pid").exists(), lambda: (folder.cluster() / "backup/repository/archive").exists(),
              lambda: replica.with_name("instance-2.new").exists(), lambda: replica.exists(),
              lambda: (replica / "postmaster.pid").exists(), lambda: (folder.cluster() / "poolers/rw/pgbouncer.ini").exists(),
              lambda: (folder.cluster() / "log/pooler-rw.log").exists(), lambda: (folder.cluster() / "poolers/ro/pgbouncer.ini").exists(),
              lambda: (folder.dir / "connections").exists()]
    killed = sum(kill_when(folder, point) for point in points)
    chance = random.Random(5)
    for _ in range(8):
        killed += kill_after(folder, chance.uniform(0, 0.3))
    assert killed >= 10
    is_right(folder, content)


def test_killed_while_it_changes_much(up):
    """On a running cluster: restarts, many tenants, poolers."""
    chance = random.Random(23)
    content = json.loads(json.dumps(WANTED))
    killed = 0
    for i in range(10):
        content["clusters"]["main"]["databases"] += [{"name": f"k{i}{j}", "owner": f"k{i}{j}"} for j in range(6)]
        content["clusters"]["main"]["maxConnections"] = str(100 + i)
        content["clusters"]["main"]["poolers"] = POOLERS if i % 2 else [*POOLERS, {"name": "second"}]
        up.write(content)
        killed += kill_after(up, chance.uniform(0.02, 0.6))
    assert killed >= 4
    is_right(up, content)
    assert up.admin("SHOW max_connections") == "109"
    is_right(up)


def test_two_at_once(up):
    first = json.loads(json.dumps(WANTED))
    first["clusters"]["main"]["databases"] += [{"name": f"both{i}", "owner": f"both{i}"} for i in range(20)]
    up.write(first)
    both = [up.start("up", "-o", "json") for _ in range(2)]
    said = [p.communicate(timeout=120) for p in both]
    assert [p.returncode for p in both] == [0, 0], said
    reports = [json.loads(out)["clusters"][0] for out, _ in said]
    assert sorted(r["changed"] for r in reports) == [False, True]
    waited = [err for (_, err), r in zip(said, reports) if not r["changed"]][0]
    assert re.search(r"waiting for (cnpg-dbm up \(process \d+\)|another cnpg-dbm)", waited), waited  # its name is written after the lock is taken
    is_right(up)


@contextlib.contextmanager
def listener(port: int, address: str = "127.0.0.1"):
    with socket.socket() as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        s.bind((address, port))
        s.listen()
        yield


def test_a_taken_port_is_named_and_others_are_found(up):
    state = up.state()
    up.run("down")
    with listener(state["port"]):
        said = up.run("up", exit_code=1).stderr
        assert f"127.0.0.1:{state['port']}" in said and "is taken by" in said and "--new-ports" in said
        if os.geteuid() != 0:
            assert str(os.getpid()) in said
        up.up(None, "--new-ports")
        assert up.state()["port"] != state["port"]
        assert up.ask("shop", "shop", "SELECT 1") == "1"
    is_right(up)
    port = up.state()["poolers"]["rw"]
    up.run("down")
    with listener(port):
        said = up.run("up", exit_code=1).stderr
        assert f"127.0.0.1:{port} of pooler rw is taken by" in said
    is_right(up)


def test_new_ports_while_all_runs(up):
    before = up.state()
    with listener(before["port"], "127.0.0.9"):
        report = up.up(None, "--new-ports")
    assert report["failed"] == []
    after = up.state()
    for port in (after["port"], after["poolers"]["rw"]):
        assert up.ask("shop", "shop", "SELECT 1", port=port) == "1"
    assert f":{after['port']}/" in (up.dir / "connections/main/shop.json").read_text()
    is_right(up)


def test_a_killed_server_is_started(up):
    before = up.postmaster()
    up.ask("shop", "shop", "DROP TABLE IF EXISTS written; CREATE TABLE written AS SELECT 1 AS n")
    kill(before)
    wait_for(lambda: up.call("status").returncode == 1, "status to see it")
    report = up.up()
    assert any("main-1 started" in d for d in report["done"])
    assert up.ask("shop", "shop", "SELECT n FROM written") == "1"
    is_right(up)


def test_a_killed_pooler_is_started(up):
    pid = up.pooler("rw")
    kill(pid)
    wait_for(lambda: not json.loads(up.call("status", "-o", "json").stdout)["clusters"][0]["poolers"][0]["runs"], "status to see it")
    report = up.up()
    assert any("pooler rw started" in d for d in report["done"])
    is_right(up)


def test_damaged_files_of_a_pooler_are_written_again(up):
    folder = up.cluster() / "poolers/rw"
    (folder / "pgbouncer.ini").write_text("[databases]\nnonsense\n")
    (folder / "pg_hba.conf").unlink()
    is_right(up)
    assert "nonsense" not in (folder / "pgbouncer.ini").read_text()
    up.run("down")
    shutil.rmtree(folder)
    is_right(up)


def test_pid_files_of_other_programs_are_stale(up):
    """After a crash of the machine, the ids in them may be anybody's."""
    with subprocess.Popen(["sleep", "600"]) as other:
        try:
            for pid in (up.postmaster(), up.pooler("rw")):
                kill(pid)
            wait_for(lambda: up.call("status").returncode == 1, "status to see it")
            for path in (up.data() / "postmaster.pid", up.cluster() / "poolers/rw/pgbouncer.pid"):
                text = path.read_text()
                path.write_text(str(other.pid) + "\n" + text.partition("\n")[2])
            is_right(up)
            assert other.poll() is None
        finally:
            other.kill()


def test_down_ends_nobody_elses_process(up):
    with subprocess.Popen(["sleep", "600"]) as other:
        try:
            path, pid = up.cluster() / "poolers/rw/pgbouncer.pid", up.pooler("rw")
            path.write_text(f"{other.pid}\n")
            up.run("down")
            assert other.poll() is None
            path.write_text(f"{pid}\n")
        finally:
            other.kill()
    up.run("down")
    is_right(up)


def test_a_foreign_data_folder_is_left_alone(up):
    up.run("down")
    mark = up.data() / "cnpg-dbm.instance"
    text = mark.read_text()
    mark.unlink()
    try:
        said = up.run("up", exit_code=1).stderr
        assert "is not a data folder of main-1" in said and "--dir" in said
        assert (up.data() / "PG_VERSION").exists()
    finally:
        mark.write_text(text)
    is_right(up)


def test_a_folder_of_somebody_else_is_refused(folder):
    if os.geteuid() != 0:
        pytest.skip("needs root")
    folder.write(WANTED)
    folder.dir.mkdir()  # root's, and in use
    (folder.dir / "theirs").touch()
    said = folder.run("up", exit_code=1).stderr
    assert f"does not belong to the user {owner()}" in said
    assert [path.name for path in folder.dir.iterdir()] == ["theirs"]


def test_root_gives_away_nothing_that_a_link_leads_to(folder):
    if os.geteuid() != 0:
        pytest.skip("needs root")
    victim = folder.path / "victim"  # empty and root's, as /etc/cron.d may be
    victim.mkdir()
    folder.dir.symlink_to(victim)
    folder.write(values("shop"))
    assert "is a link, not a folder" in folder.run("up", exit_code=1).stderr
    assert victim.stat().st_uid == 0 and not list(victim.iterdir())
    folder.dir.unlink()
    victim.rename(folder.dir)  # itself it may be given
    folder.run("up")
    assert folder.dir.owner() == owner()


def test_state_that_cannot_be_read_is_told(up):
    path = up.dir / "state.json"
    text = path.read_text()
    for garbage in ("{", "[]", "\x00\x01", '{"format": 99}'):
        path.write_text(garbage)
        for command in ("up", "status", "down"):
            said = up.run(command, exit_code=1).stderr
            assert "state.json is not a file of this version" in said and "move it away" in said
    assert path.read_text() == garbage
    path.write_text(text)
    passwords = up.dir / "passwords.json"
    held = passwords.read_text()
    passwords.write_text("{")
    said = up.run("up", exit_code=1).stderr
    assert "passwords.json cannot be read" in said
    passwords.write_text(held)
    is_right(up)


def test_a_state_that_was_moved_away_is_made_anew(up):
    up.run("down")
    (up.dir / "state.json").unlink()
    is_right(up)
    (up.dir / "state.json").unlink()  # while all runs
    is_right(up)


def test_post_init_sql_runs_once_on_data_whatever_is_lost(folder):
    statements = ["CREATE TABLE public.once (n int)", "INSERT INTO public.once VALUES (1)"]
    assert "postInitSQL[2]" in folder.up(values("shop", initdb={"postInitSQL": [*statements, "SELEKT"]}), exit_code=1)["stderr"]
    (folder.dir / "state.json").unlink()  # while it is half done, and runs
    more = values("shop", initdb={"postInitSQL": [*statements, "INSERT INTO public.once VALUES (2)"]})
    assert folder.up(more)["failed"] == []
    assert folder.admin("SELECT string_agg(n::text, ',' ORDER BY n) FROM once") == "1,2"
    folder.run("down")
    (folder.dir / "state.json").unlink()
    more["clusters"]["main"]["initdb"]["postInitSQL"].append("INSERT INTO public.once VALUES (3)")
    assert folder.up(more)["failed"] == []
    assert folder.admin("SELECT string_agg(n::text, ',' ORDER BY n) FROM once") == "1,2"


def test_passwords_that_were_lost_are_made_anew(up):
    before = up.passwords()
    (up.dir / "passwords.json").unlink()
    is_right(up)
    assert up.passwords().keys() == {"shop", "reader", "blog"} and up.passwords()["shop"] != before["shop"]
    assert up.enter("shop", "shop", password=before["shop"]).returncode == 2


def test_a_missing_program_is_named(folder, tmp_path):
    """Under a root of its own, where the programs are not: only its mount namespace knows."""
    if os.geteuid() != 0 or not shutil.which("unshare"):
        pytest.skip("needs root and unshare")
    hidden = tmp_path / "nothing"
    hidden.touch()
    for path, wanted, said in (("/usr/sbin/pgbouncer", WANTED, "there is no pgbouncer"),
                               ("/usr/lib/postgresql/15/bin/initdb", WANTED, "there is no PostgreSQL server")):
        folder.write(wanted)
        script = f'mount --bind {hidden} {path} && exec "$@"'
        done = subprocess.run(["unshare", "--mount", "--propagation=private", "sh", "-c", script, "sh", *folder.words("up")],
                              capture_output=True, text=True, cwd="/", timeout=120)
        if "unshare" in done.stderr or "mount:" in done.stderr:
            pytest.skip("no mount namespaces here")
        assert done.returncode == 1 and said in done.stderr and "apt-get install" in done.stderr, done.stderr
    is_right(folder)


def test_a_given_folder_that_lacks_a_program_is_refused(folder):
    bin = folder.path / "bin"
    bin.mkdir()
    for program in ("postgres", "pg_basebackup", "psql"):
        (bin / program).write_text("#!/bin/sh\necho 'postgres (PostgreSQL) 15.1'\n")
        (bin / program).chmod(0o755)
    folder.write(values("shop"))
    said = folder.run("up", "--pg-bin", bin, exit_code=1).stderr
    assert f"{bin} has no initdb, pg_controldata that" in said and not folder.processes()


def test_a_full_disk(tmp_path):
    """On a small file system: a clear error, and the next run with room finishes."""
    if os.geteuid() != 0:
        pytest.skip("needs root")
    with new_folder() as home:
        mounted = home.path / "m"
        mounted.mkdir()
        if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m,mode=755", "none", mounted], capture_output=True).returncode != 0:
            pytest.skip("no mount here")
        try:
            home.dir = mounted / "e"
            for size in (16, 32, 42):
                subprocess.run(["mount", "-o", f"remount,size={size}m", mounted], check=True)
                said = home.up(WANTED, exit_code=1)["stderr"]
                # PostgreSQL words a write that fits in part differently from one that does not fit at all.
                assert "No space left" in said or "Check free disk space" in said, (size, said)
                assert "make room" in said or "database" in said, (size, said)
                home.call("down")
            subprocess.run(["mount", "-o", "remount,size=400m", mounted], check=True)
            is_right(home)
            home.run("down")
        finally:
            home.call("down")
            subprocess.run(["umount", "-l", mounted], check=True)


def test_foreground_stops_all_when_it_is_told_to(up):
    for number in (signal.SIGTERM, signal.SIGINT):
        process = up.start("up", "--foreground")
        try:
            wait_for(lambda: "running;" in process.stderr.readline(), "the servers")
            assert up.ask("shop", "shop", "SELECT 1") == "1"
            assert not up.up()["changed"]  # meanwhile others may work in the folder
            process.send_signal(number)
            process.communicate(timeout=60)
            assert process.returncode == 0
            assert not up.processes()
        finally:
            process.kill()
            process.communicate()
    process = up.start("up", "--foreground")
    try:
        wait_for(lambda: "running;" in process.stderr.readline(), "the servers")
        kill(up.postmaster())
        _, said = process.communicate(timeout=60)
        assert process.returncode == 1 and "a server ended by itself" in said
        assert not up.processes()
    finally:
        process.kill()
        process.communicate()
    is_right(up)


def test_foreground_ends_while_it_brings_servers_up(folder):
    initdb = {"postInitSQL": ["SELECT pg_sleep(600)"]}
    sleeping = "SELECT count(*) FROM pg_stat_activity WHERE query = 'SELECT pg_sleep(600)' AND state = 'active'"
    folder.write(values("shop", initdb=initdb))
    begun = [(signal.SIGINT, 130, folder.data().exists),  # in the middle of initdb
             (signal.SIGTERM, 143, lambda: folder.call("psql", "--admin", "main", "--", "-XAtqc", sleeping).stdout == "1\n")]
    for number, exit_code, is_there in begun:
        process = folder.start("up", "--foreground")
        try:
            wait_for(is_there, "the bring-up", patience=120)
            process.send_signal(number)
            _, said = process.communicate(timeout=60)
            assert process.returncode == exit_code, said
            assert "interrupted; stopping the servers" in said
            assert not folder.processes()
        finally:
            process.kill()
            process.communicate()
    folder.up(values("shop"))
    assert folder.ask("shop", "shop", "SELECT 1") == "1"
    folder.run("down")


def test_odd_folders(folder):
    """A path with a space, one that is too long for sockets, and one that files cannot hold."""
    folder.write(values("shop"))
    root = folder.dir
    folder.dir = root.parent / ("with space " + "x" * 90)
    before = set(os.listdir("/tmp"))
    folder.up()
    assert any(p.startswith("cnpg-dbm-") for p in set(os.listdir("/tmp")) - before)
    assert folder.ask("shop", "shop", "SELECT 1") == "1"
    assert folder.run("psql", "shop", "--", "-XAtqc", "SELECT 1").stdout == "1\n"
    folder.run("down", "--delete-data", "--allow-destroy", "main")
    assert not any(p.startswith("cnpg-dbm-") for p in set(os.listdir("/tmp")) - before)
    # Replicas find their certificates there too.
    folder.dir = root.parent / "with space"
    report = folder.up(values("shop", instances=2))
    assert report["failed"] == [] and "behind" not in report["stderr"]
    assert folder.admin("SELECT string_agg(application_name || state, '') FROM pg_stat_replication") == "main-2streaming"
    folder.run("down", "--delete-data", "--allow-destroy", "main")
    folder.dir = root.parent / "it's"
    assert "give another --dir" in folder.run("up", exit_code=1).stderr
    folder.dir = root
