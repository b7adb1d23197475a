"""`up` on one server: what it makes, that it makes it once, and that it follows the file."""

import base64
import json
import os
import pathlib
import shlex
import stat
import subprocess
import threading

import pytest
import yaml
from engine import at_once, golden, owner, values

SHOP = {"name": "shop", "owner": "shop",
        "users": [{"name": "reader", "access": "read"}, {"name": "writer", "access": "write"}]}
POOLERS = [{"name": "rw", "poolMode": "transaction"}]


def wanted(**cluster) -> dict:
    return values(SHOP, "blog", poolers=POOLERS, **cluster)


def command_lines() -> set[str]:
    found = set()
    for entry in pathlib.Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                found.add((entry / "cmdline").read_text(errors="replace"))
            except OSError:
                pass
    return found


class Watch:
    """Every command line that is seen on the machine meanwhile."""

    def __enter__(self):
        self.seen, self.end = set(), threading.Event()
        self.thread = threading.Thread(target=self.look)
        self.thread.start()
        return self

    def look(self):
        while not self.end.wait(0.005):
            self.seen |= command_lines()

    def __exit__(self, *_):
        self.end.set()
        self.thread.join()


@pytest.fixture(scope="module")
def first(home):
    """What the first `up` said, and what was seen of its processes."""
    with Watch() as watch:
        home.write(wanted())
        done = home.run("up", "-o", "json")
    return {"report": json.loads(done.stdout)["clusters"][0], "output": done.stdout + done.stderr, "seen": watch.seen}


@pytest.fixture
def up(home, first):
    """The module's cluster as the file of `wanted` says, whatever tests before did."""
    home.up(wanted())
    return home


def mtimes(folder: pathlib.Path) -> dict[str, int]:
    return {str(p): p.stat().st_mtime_ns for p in sorted(folder.glob("*")) if p.suffix in (".conf", ".auto", ".json", ".env")
            or p.name in ("state.json", "passwords.json")}


def test_the_first_run_reports_what_it_made(home, first):
    report = first["report"]
    assert (report["name"], report["postgresql"], report["changed"], report["failed"], report["kept"]) == (
        "main", 15, True, [], [])
    assert {(w["database"], w["role"], w.get("pooler")) for w in report["ways"]} == {
        (database, role, pooler) for database, roles in (("shop", ("shop", "reader", "writer")), ("blog", ("blog",)))
        for role in roles for pooler in (None, "rw")}
    assert all(pathlib.Path(w["file"]).exists() for w in report["ways"])


def test_a_second_run_changes_nothing(up):
    def now():
        return (up.postmaster(), up.pooler("rw"), mtimes(up.data()), mtimes(up.dir), mtimes(up.dir / "connections/main"),
                mtimes(up.cluster() / "poolers/rw"))
    before = now()
    report = up.up()
    assert (report["changed"], report["done"]) == (False, [])
    assert now() == before
    assert "nothing to do" in up.run("up").stdout
    up.up(None, "--everything")
    assert now() == before


def test_passwords_are_seen_nowhere(home, first):
    passwords = home.passwords()
    assert set(passwords) == {"shop", "reader", "writer", "blog"} and len(set(passwords.values())) == 4
    verifiers = [v["verifier"] for v in json.loads((home.dir / "passwords.json").read_text())["main"].values()]
    logs = "".join(p.read_text() for p in (home.cluster() / "log").iterdir())
    assert logs and first["seen"]
    with Watch() as watch:
        home.run("psql", "shop", "--", "-c", "SELECT 1")
    for secret in [*passwords.values(), *verifiers]:
        assert secret not in first["output"]
        assert secret not in logs
        assert not any(secret in line for line in first["seen"] | watch.seen)


def test_passwords_stay_out_of_the_log_when_statements_are_logged(up):
    up.up(wanted(parameters={"log_statement": "all", "log_min_duration_statement": "0"}))
    verbose = wanted(parameters={"log_statement": "all", "log_min_duration_statement": "0"})
    verbose["clusters"]["main"]["databases"].append({"name": "logged", "owner": "logged"})
    up.up(verbose)
    log = (up.cluster() / "log/main-1.log").read_text()
    assert up.passwords()["logged"] not in log
    assert "SCRAM-SHA-256$" not in log


def test_all_of_it_is_private(up):
    user = owner()
    for path in [up.dir, *up.dir.rglob("*")]:
        if path.is_symlink() or "instance-1" in path.relative_to(up.path).parts[:-1]:
            continue
        status = path.lstat()
        assert path.owner() == user, path
        if stat.S_ISREG(status.st_mode):
            assert status.st_mode & 0o077 == 0 or path.suffix in (".crt", ".pid"), (path, oct(status.st_mode))
        elif stat.S_ISDIR(status.st_mode):
            assert status.st_mode & 0o777 == 0o700, (path, oct(status.st_mode))
    for name in ("passwords.json", "connections/main/shop.env", "connections/main/pg_service.conf"):
        assert (up.dir / name).stat().st_mode & 0o777 == 0o600


def test_passwords_that_others_may_read_are_refused(up):
    path = up.dir / "passwords.json"
    path.chmod(0o644)
    try:
        assert "others may read" in up.run("up", exit_code=1).stderr
    finally:
        path.chmod(0o600)


def plain_environment(**more) -> dict:
    return {**{k: v for k, v in os.environ.items() if not k.startswith("PG")}, "PGCONNECT_TIMEOUT": "10", **more}


def test_connection_files_lead_in(up):
    folder = up.dir / "connections/main"
    who = "SELECT current_user || '@' || current_database() || ' ' || (SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid())"

    def psql(*words, **more):
        done = subprocess.run(["psql", "-XAtqw", *words, "-c", who], capture_output=True, text=True, cwd="/",
                              stdin=subprocess.DEVNULL, env=plain_environment(**more), timeout=60)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    for stem, expected in (("shop", "shop@shop true"), ("shop@reader", "reader@shop true"), ("blog", "blog@blog true")):
        env = dict(line.split("=", 1) for line in (folder / f"{stem}.env").read_text().splitlines())
        env = {name: shlex.split(value)[0] for name, value in env.items()}
        held = json.loads((folder / f"{stem}.json").read_text())
        for uri in {env["DATABASE_URL"], held["uri"], env["DATABASE_URL_RW"], held["pooler-rw-uri"]}:
            assert "sslmode=verify-full" in uri
            assert psql(uri) == expected, uri
        assert psql(**{k: v for k, v in env.items() if k.startswith("PG")}) == expected
        for service in (stem, f"{stem}:rw"):
            assert psql(PGSERVICEFILE=str(folder / "pg_service.conf"), PGSERVICE=service) == expected
        assert held["jdbc-uri"] == env["JDBC_URL"] and held["password"] == up.passwords()[held["user"]]
        sourced = subprocess.run(["sh", "-c", f'. "{folder}/{stem}.env"; printf %s "$DATABASE_URL"'], capture_output=True, text=True)
        assert sourced.stdout == held["uri"]
    # The server's certificate is for this cluster's authority only.
    stranger = subprocess.run(["psql", "-XAtqw", json.loads((folder / "blog.json").read_text())["uri"].split("&sslrootcert")[0]],
                              capture_output=True, text=True, env=plain_environment(HOME="/nonexistent"), stdin=subprocess.DEVNULL)
    assert stranger.returncode != 0 and "root certificate" in stranger.stderr


def test_every_way_has_a_name_of_its_own(folder):
    """Databases called as another's user and pooler would be, were the names joined by a dash."""
    names = ["shop", "shop-ro", "shop-rw", "shop-ro-rw", "shop_x"]
    databases = [{"name": n, "owner": n, "users": [{"name": f"ro{i or ''}", "access": "read"}]} for i, n in enumerate(names)]
    report = folder.up(values(*databases, poolers=[{"name": "rw"}, {"name": "ro"}]))
    assert report["failed"] == []
    who = ["--", "-XAtqc", "SELECT current_user || '@' || current_database()"]
    direct = [w for w in report["ways"] if not w.get("pooler")]
    assert len({w["file"] for w in direct}) == len(direct) == 2 * len(names)
    assert all(f"PGUSER='{w['role']}'" in pathlib.Path(w["file"]).read_text() for w in direct)
    services = (folder.dir / "connections/main/pg_service.conf").read_text().splitlines()
    headers = [line for line in services if line.startswith("[")]
    assert len(set(headers)) == len(headers) == len(report["ways"])
    owners = {d["name"]: d["owner"] for d in databases}

    def opens(way):
        options = [] if way["role"] == owners[way["database"]] else ["--as", way["role"]]
        options += ["--pooler", way["pooler"]] if way.get("pooler") else []
        return folder.run("psql", way["database"], *options, *who).stdout == f"{way['role']}@{way['database']}\n"
    assert all(at_once(opens, report["ways"]))
    # What an earlier version called otherwise goes.
    (folder.dir / "connections/main/shop-reader.env").write_text("")
    folder.up()
    assert not (folder.dir / "connections/main/shop-reader.env").exists()


def test_psql_opens_what_is_asked_for(up):
    who = ["--", "-XAtqc", "SELECT current_user || '@' || current_database()"]
    assert up.run("psql", "shop", *who).stdout == "shop@shop\n"
    assert up.run("psql", "main/blog", *who).stdout == "blog@blog\n"
    assert up.run("psql", "shop", "--as", "reader", *who).stdout == "reader@shop\n"
    assert up.run("psql", "shop", "--pooler", "rw", *who).stdout == "shop@shop\n"
    assert up.run("psql", "--admin", "main", *who).stdout == "postgres@postgres\n"
    assert up.run("psql", "shop", *who, env={"PGUSER": "blog", "PGPASSWORD": "x", "PGDATABASE": "blog"}).stdout == "shop@shop\n"
    assert "there is no database nowhere" in up.run("psql", "nowhere", exit_code=1).stderr
    assert "no pooler ro" in up.run("psql", "shop", "--pooler", "ro", exit_code=1).stderr
    assert "no cluster other" in up.run("psql", "--admin", "other", exit_code=1).stderr


def test_a_parameter_is_reloaded_or_restarts(up):
    pid = up.postmaster()
    report = up.up(wanted(workMem="7MB"))
    assert report["changed"] and any("reloaded" in d for d in report["done"])
    assert (up.postmaster(), up.admin("SHOW work_mem")) == (pid, "7MB")
    report = up.up(wanted(workMem="7MB", maxConnections="77"))
    assert any("restarted for max_connections" in d for d in report["done"])
    assert up.postmaster() != pid and up.admin("SHOW max_connections") == "77"
    assert up.admin("SELECT count(*) FROM pg_settings WHERE pending_restart") == "0"
    assert not up.up()["changed"]


def test_what_a_parameter_loses_goes_back_to_its_default(up):
    up.up(wanted(parameters={"deadlock_timeout": "2s"}))
    assert up.admin("SHOW deadlock_timeout") == "2s"
    up.up(wanted())
    assert up.admin("SHOW deadlock_timeout") == "1s"


def test_parameters_that_do_not_fit_are_told(up):
    report = up.up(wanted(sharedBuffers="900TB", parameters={"no_such_thing": "1"}))
    assert "no_such_thing is unknown" in report["stderr"] and "shared_buffers 900TB is made" in report["stderr"]
    assert any("no_such_thing" in n for n in report["notices"])
    assert up.run("status").returncode == 0


def test_a_value_that_postgresql_refuses_is_an_error_that_names_it(up):
    said = up.up(wanted(parameters={"autovacuum_naptime": "soon"}), exit_code=1)["stderr"]
    assert "autovacuum_naptime" in said
    assert up.ask("shop", "shop", "SELECT 1") == "1"
    assert up.up(wanted())["failed"] == []


def test_tenants_come_change_and_are_kept(up):
    more = wanted()
    databases = more["clusters"]["main"]["databases"]
    databases.append({"name": "wiki", "owner": "wiki", "limits": {"connections": 3, "statementTimeout": "7s"},
                      "extensions": [{"name": "pgcrypto"}], "schemas": [{"name": "notes", "owner": "wiki"}]})
    report = up.up(more)
    assert any("wiki" in d for d in report["done"])
    assert up.ask("wiki", "wiki", "SHOW statement_timeout") == "7s"
    assert up.ask("wiki", "wiki", "CREATE TABLE notes.t AS SELECT gen_random_uuid(); SELECT count(*) FROM notes.t") == "1"
    assert up.admin("SELECT datconnlimit FROM pg_database WHERE datname = 'wiki'") == "3"
    assert up.ask("wiki", "wiki", "SELECT 2", port=up.state()["poolers"]["rw"]) == "2"

    databases[-1] = {"name": "wiki", "owner": "editor", "limits": {"connections": 5},
                     "extensions": [{"name": "pgcrypto"}], "schemas": [{"name": "notes", "owner": "editor"}]}
    report = up.up(more)
    assert up.ask("editor", "wiki", "SHOW statement_timeout") == "0"
    assert up.admin("SELECT datconnlimit || pg_get_userbyid(datdba) FROM pg_database WHERE datname = 'wiki'") == "5editor"
    assert up.enter("wiki", "wiki").returncode != 0
    assert (up.dir / "connections/main/wiki.env").read_text().count("PGUSER='editor'") == 1
    assert not up.up()["changed"]

    report = up.up(wanted())
    assert any("wiki" in k for k in report["kept"])
    assert "wiki is no longer in the file and kept" in report["stderr"]
    assert up.admin("SELECT count(*) FROM notes.t", "wiki") == "1"
    assert not (up.dir / "connections/main/wiki.env").exists()
    assert up.enter("editor", "wiki").returncode != 0


def test_a_database_that_must_be_absent_goes(up):
    more = wanted()
    more["clusters"]["main"]["databases"].append({"name": "brief", "owner": "brief"})
    up.up(more)
    more["clusters"]["main"]["databases"][-1]["ensure"] = "absent"
    up.up(more)
    assert up.admin("SELECT count(*) FROM pg_database WHERE datname = 'brief'") == "0"
    assert not up.up(more)["changed"]


def test_passwords_stay_and_are_mended(up):
    before = up.passwords()
    up.admin("ALTER ROLE shop PASSWORD 'forgotten'")
    up.up(None, "--everything")
    assert up.passwords() == before
    assert up.ask("shop", "shop", "SELECT 1") == "1"


def test_what_was_changed_by_hand_is_put_right(up):
    up.admin("REVOKE ALL ON DATABASE shop FROM reader; ALTER DATABASE shop OWNER TO blog; GRANT shop TO blog")
    up.up(None, "--everything")
    assert up.admin("SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = 'shop'") == "shop"
    assert up.ask("reader", "shop", "SELECT 1") == "1"


def test_files_that_were_removed_are_written_again(up):
    shutil_target = up.dir / "connections/main/shop.env"
    shutil_target.unlink()
    up.up(None, "--everything")
    assert shutil_target.exists()


def test_derived_passwords_are_those_of_kubernetes(folder, key):
    folder.write(values("shop", "blog"))
    rendered = golden.run("template", "-f", folder.file, "-n", "tenants", "--password-key-file", key)
    secrets = [o for o in yaml.safe_load_all(rendered.stdout) if o["kind"] == "Secret" and o["metadata"]["name"].endswith("-password")]
    expected = {base64.b64decode(s["data"]["username"]).decode(): base64.b64decode(s["data"]["password"]).decode() for s in secrets}
    folder.run("up", "-n", "tenants", "--password-key-file", key)
    assert folder.passwords() == expected and set(expected) == {"shop", "blog"}
    assert folder.ask("shop", "shop", "SELECT 1", password=expected["shop"]) == "1"
    # Other keys and namespaces give other passwords; the old ones no longer open.
    folder.run("up", "-n", "elsewhere", "--password-key-file", key)
    assert folder.passwords()["shop"] != expected["shop"]
    assert folder.enter("shop", "shop", password=expected["shop"]).returncode != 0
    assert folder.ask("shop", "shop", "SELECT 1") == "1"
    asked = values("shop", "blog", roleSecrets={"source": "derive"})
    folder.write(asked)
    assert "--password-key-file" in folder.run("up", exit_code=1).stderr


def test_post_init_sql_runs_once_and_a_broken_one_is_named(folder):
    broken = values("shop", initdb={"postInitSQL": ["CREATE TABLE public.once AS SELECT 1", "SELEKT 1"]})
    said = folder.up(broken, exit_code=1)["stderr"]
    assert "postInitSQL[1]" in said and "syntax error" in said
    two = "INSERT INTO public.once VALUES (2); CREATE ROLE extra"  # the operator takes several statements too
    mended = values("shop", initdb={"postInitSQL": ["CREATE TABLE public.once AS SELECT 1", two]})
    folder.up(mended)
    assert folder.admin("SELECT count(*) FROM once") == "2"
    assert not folder.up(mended)["changed"]
    # Two clusters in one folder, one left out of the file later.
    both = {"clusters": {**mended["clusters"], **values("crm", name="second")["clusters"]}}
    folder.write(both)
    reports = json.loads(folder.run("up", "-o", "json").stdout)["clusters"]
    assert [(r["name"], r["changed"]) for r in reports] == [("main", False), ("second", True)]
    assert folder.ask("crm", "crm", "SELECT 1", cluster="second") == "1"
    assert folder.enter("crm", "shop", password=folder.passwords("second")["crm"]).returncode != 0
    assert "second is not in the values file" in folder.up(mended)["stderr"]
    assert "several" not in folder.run("down", "second").stdout
    assert folder.call("status").returncode == 1
    assert folder.ask("shop", "shop", "SELECT 1") == "1"


def test_awkward_names(folder):
    names = ["all", "replication", "sameuser", "Mixed_Case", "with-dash", "1st", "x" * 50, "select"]
    databases = [{"name": n, "owner": f"r-{i}_{n}"[:40]} for i, n in enumerate(names)]
    report = folder.up(values(*databases, poolers=[{"name": "rw"}]))
    assert report["failed"] == []
    doors = [0, folder.state()["poolers"]["rw"]]
    who = "SELECT current_database() || '|' || current_user"
    answers = at_once(lambda d: [folder.enter(d["owner"], d["name"], who, port=port) for port in doors], databases)
    for database, pair in zip(databases, answers):
        for done in pair:
            assert done.stdout.strip() == f"{database['name']}|{database['owner']}", (database, done.stderr)
    assert not folder.up()["changed"]


def test_a_hundred_tenants(folder):
    names = [f"t{i:03}" for i in range(100)]
    report = folder.up(values(*names, poolers=[{"name": "rw"}], maxConnections="60"))
    assert report["failed"] == [] and len(report["ways"]) == 200
    assert folder.admin("SELECT count(*) FROM pg_database d JOIN pg_roles r ON r.oid = d.datdba "
                        "WHERE d.datname ~ '^t[0-9]+$' AND r.rolname = d.datname") == "100"
    assert all(at_once(lambda n: folder.enter(n, n).returncode == 0, names[::9]))
    assert folder.enter("t001", "t002").returncode != 0
    again = folder.up()
    assert not again["changed"]
    report = folder.up(values(*names, "late", poolers=[{"name": "rw"}], maxConnections="60"))
    assert all("t0" not in d for d in report["done"])
    assert folder.ask("late", "late", "SELECT 1") == "1"


def test_status_tells_how_it_is(up):
    found = json.loads(up.run("status", "-o", "json").stdout)["clusters"][0]
    assert found["healthy"] and found["port"] == up.state()["port"]
    assert [(i["role"], i["runs"], i["problem"]) for i in found["instances"]] == [("primary", True, "")]
    assert [(p["name"], p["runs"]) for p in found["poolers"]] == [("rw", True)]
    assert {"shop", "blog"} <= {d["name"] for d in found["databases"]}
    assert pathlib.Path(found["instances"][0]["log"]).exists()


def test_down_keeps_the_data(up):
    up.ask("shop", "shop", "DROP TABLE IF EXISTS kept; CREATE TABLE kept AS SELECT 41 + 1 AS n")
    state = up.state()
    up.run("down")
    assert not up.processes()
    assert "did not run" in up.run("down").stdout
    assert up.call("status").returncode == 1
    report = up.up()
    assert any("started" in d for d in report["done"])
    assert up.state()["port"] == state["port"] and up.state()["poolers"] == state["poolers"]
    assert up.ask("shop", "shop", "SELECT n FROM kept") == "42"


def test_down_deletes_only_what_is_named_twice(folder):
    folder.up(values("shop", poolers=POOLERS))
    pid = folder.postmaster()
    assert "--allow-destroy main" in folder.run("down", "--delete-data", exit_code=3).stderr
    folder.run("down", "--delete-data", "--allow-destroy", "other", exit_code=3)
    assert folder.postmaster() == pid and folder.ask("shop", "shop", "SELECT 1") == "1"
    assert "no cluster mian" in folder.run("down", "mian", exit_code=1).stderr
    folder.run("down", "--delete-data", "--allow-destroy", "main")
    assert not folder.processes()
    assert not list((folder.dir / "clusters").iterdir()) and not list((folder.dir / "connections").iterdir())
    assert "shop" not in (folder.dir / "passwords.json").read_text() + (folder.dir / "state.json").read_text()
    assert "no clusters" in folder.run("status").stdout
    folder.up()
    assert folder.ask("shop", "shop", "SELECT 1") == "1"
