"""Tenants try to enter each other's databases, by every door that there is."""

import itertools
import json
import os
import pathlib
import subprocess

import pytest
import scram
from engine import at_once, values, wait_for

USERS = [{"name": "reader", "access": "read"}, {"name": "writer", "access": "write"}]
POOLERS = [{"name": "rw", "poolMode": "transaction"}, {"name": "ro", "type": "ro"}]
OWNERS = {"shop": "shop", "blog": "blog", "all": "everyone", "Mixed_Case": "Capital_Owner"}
MAINTENANCE = ("postgres", "template1")


def wanted(users=USERS, isolated=True, **cluster) -> dict:
    databases = [{"name": name, "owner": owner} for name, owner in OWNERS.items()]
    databases[0]["users"] = users
    return values(*databases, instances=2, poolers=POOLERS, isolation={"enabled": isolated}, **cluster)


@pytest.fixture(scope="module")
def town(home):
    report = home.up(wanted())
    assert report["failed"] == []
    return home


@pytest.fixture
def up(town):
    yield town
    town.up(wanted())


def doors(town) -> dict[str, dict]:
    ports = town.state()["poolers"]
    return {"primary": {}, "replica": {"host": "127.0.0.2"}, "rw": {"port": ports["rw"]}, "ro": {"port": ports["ro"]}}


def expected(role: str) -> set[str]:
    return {"shop"} if role in ("reader", "writer") else {d for d, owner in OWNERS.items() if owner == role}


def test_every_role_enters_its_own_and_nothing_else_by_any_door(town):
    roles = [*OWNERS.values(), "reader", "writer"]
    tries = list(itertools.product(roles, [*OWNERS, *MAINTENANCE], doors(town).items()))

    def enters(one):
        role, database, (_, door) = one
        done = town.enter(role, database, **door)
        assert done.returncode in (0, 2), done.stderr
        return done.returncode == 0
    wrong = [(role, database, door[0], entered) for (role, database, door), entered in zip(tries, at_once(enters, tries))
             if entered != (database in expected(role))]
    assert not wrong


def test_a_wrong_password_and_no_password_do_not_open(town):
    for door in doors(town).values():
        for password in ("wrong", town.passwords()["blog"], ""):
            done = town.enter("shop", "shop", password=password, **door)
            assert done.returncode == 2, done.stderr


def test_nobody_enters_as_the_superuser_or_as_the_engines_own_roles(town):
    town.admin("ALTER ROLE postgres PASSWORD 'known'")
    for door in doors(town).values():
        for role in ("postgres", "streaming_replica", "cnpg_pooler_pgbouncer"):
            for database in ("shop", "postgres"):
                done = town.enter(role, database, password="known", **door)
                assert done.returncode == 2, (role, database, door)
    assert town.enter("postgres", "pgbouncer", "SHOW USERS", password="known", port=town.state()["poolers"]["rw"]).returncode == 2
    for role in ("shop", "cnpg_pooler_pgbouncer"):
        assert town.enter(role, "pgbouncer", "SHOW USERS", port=town.state()["poolers"]["rw"]).returncode == 2
    town.admin("ALTER ROLE postgres PASSWORD NULL")


OWN_LINE = ["host all all 127.0.0.0/8 scram-sha-256"]


@pytest.mark.parametrize("isolated", [True, False])
@pytest.mark.parametrize("lines", [[], OWN_LINE])
def test_no_guessable_password_opens_a_door(up, isolated, lines):
    """libpq sends no empty password; PgBouncer has taken one for a role without password, and the word md5."""
    content = wanted(isolated=isolated)
    content["clusters"]["main"]["poolers"] = [{**p, "pg_hba": lines} if lines else p for p in POOLERS]
    up.up(content)
    ports = [(up.state()["port"], "127.0.0.1"), (up.state()["port"], "127.0.0.2"),
             *((port, "127.0.0.1") for port in up.state()["poolers"].values())]
    for port, host in ports:  # so that the others are refused for the reason that is meant
        assert scram.login("shop", "shop", up.passwords()["shop"], port=port, host=host) == "entered"
    roles = ("cnpg_pooler_pgbouncer", "streaming_replica", "postgres", "pgbouncer", "shop", "reader", "pg_read_all_data", "no_such")
    tries = list(itertools.product(roles, ("shop", "postgres", "template1", "pgbouncer"), ("", "md5", "\0"), ports, (True, False)))
    outcomes = at_once(lambda t: scram.login(*t[:3], port=t[3][0], host=t[3][1], tls=t[4]), tries)
    assert not [(t, o) for t, o in zip(tries, outcomes) if o != "refused"]


def test_the_poolers_own_password_is_random_kept_and_opens_nothing(up):
    lists = [up.cluster() / "poolers" / name / "userlist.txt" for name in ("rw", "ro")]
    held = [path.read_text() for path in lists]
    secrets = [text.split('"')[3] for text in held]
    assert len(set(secrets)) == 2 and all(len(s) == 32 for s in secrets)
    assert not up.up()["changed"] and [path.read_text() for path in lists] == held
    for name, secret in zip(("rw", "ro"), secrets):
        for tls in (True, False):
            assert scram.login("cnpg_pooler_pgbouncer", "postgres", secret, port=up.state()["poolers"][name], tls=tls) == "refused"
    lists[0].write_text('"cnpg_pooler_pgbouncer" ""\n')
    assert up.up()["changed"] and len(lists[0].read_text().split('"')[3]) == 32


def test_no_tenant_enters_by_the_socket(town):
    socket = str(next(p for p in (town.dir / "run").iterdir() if p.name == "main-1"))
    assert pathlib.Path(socket).stat().st_mode & 0o777 == 0o700
    for role in ("shop", "reader", "postgres"):
        done = town.enter(role, "shop", host=socket, sslmode="disable")
        assert done.returncode == 2, done.stderr
    if os.geteuid() == 0:  # another user does not even reach it
        done = subprocess.run(["setpriv", "--reuid=nobody", "--clear-groups", "psql", "-w", "-h", socket, "-p", str(town.state()["port"]),
                               "-U", "postgres", "postgres"], capture_output=True, text=True, stdin=subprocess.DEVNULL, cwd="/")
        assert done.returncode == 2 and "Permission denied" in done.stderr


def test_replication_is_not_for_tenants(town):
    for role in ("shop", "postgres"):
        done = town.enter(role, "shop", "IDENTIFY_SYSTEM", password=town.passwords().get(role, ""))
        assert done.returncode != 0
        environment = {**os.environ, "PGPASSWORD": town.passwords().get(role, "x"), "PGSSLMODE": "require", "PGCONNECT_TIMEOUT": "10"}
        for kind in ("true", "database"):
            target = f"host=127.0.0.1 port={town.state()['port']} user={role} dbname=shop replication={kind}"
            done = subprocess.run(["psql", "-XAtqw", target, "-c", "IDENTIFY_SYSTEM"], capture_output=True, text=True,
                                  env=environment, stdin=subprocess.DEVNULL, cwd="/")
            assert done.returncode != 0 or kind == "database" and role == "shop", (role, kind, done.stdout)


def test_nobody_becomes_another(town):
    for role, other in (("shop", "blog"), ("reader", "shop"), ("writer", "reader"), ("shop", "postgres"), ("shop", "pg_read_all_data"),
                        ("shop", "cnpg_pooler_pgbouncer"), ("shop", "pg_execute_server_program")):
        for sql in (f"SET ROLE {other}", f"SET SESSION AUTHORIZATION {other}", f"GRANT {other} TO {role}"):
            done = town.enter(role, "shop", sql)
            assert done.returncode == 1 and "ERROR" in done.stderr, (role, sql)
    assert town.admin("SELECT count(*) FROM pg_auth_members m JOIN pg_roles r ON r.oid = m.member "
                      "WHERE r.rolname IN ('shop', 'blog', 'reader', 'writer')") == "0"
    for sql in ("CREATE ROLE friend LOGIN", "CREATE DATABASE mine", "ALTER ROLE shop SUPERUSER", "ALTER DATABASE shop OWNER TO blog",
                "COPY (SELECT 1) TO PROGRAM 'true'", "SELECT pg_read_file('pg_hba.conf')", "SELECT rolpassword FROM pg_authid",
                "SELECT * FROM cnpg_dbm.user_search('blog')", "SELECT pg_ls_dir('.')", "LOAD '/tmp/x'"):
        done = town.enter("shop", "shop", sql)
        assert done.returncode == 1 and "ERROR" in done.stderr, sql


def test_the_server_itself_is_no_way_round(town):
    """From inside the server, connections come from its own address: pg_hba counts there too."""
    if town.admin("SELECT count(*) FROM pg_available_extensions WHERE name = 'dblink'") == "0":
        pytest.skip("dblink comes with postgresql-contrib")
    town.admin("CREATE EXTENSION IF NOT EXISTS dblink", "shop")
    port, password = town.state()["port"], town.passwords()["shop"]
    socket = next(p for p in (town.dir / "run").iterdir() if p.name == "main-1")

    def through(target: str) -> subprocess.CompletedProcess:
        return town.enter("shop", "shop", f"SELECT * FROM dblink($t${target}$t$, 'SELECT current_user::text') AS t(who text)")
    own = through(f"host=127.0.0.1 port={port} user=shop password={password} dbname=shop")
    assert own.stdout == "shop\n", own.stderr  # so that the others fail for the reason that is meant
    for target in (f"host=127.0.0.1 port={port} user=shop password={password} dbname=blog",
                   f"host=127.0.0.1 port={port} user=shop password={password} dbname=postgres",
                   f"host=127.0.0.2 port={port} user=shop password={password} dbname=blog",
                   f"host={socket} port={port} user=postgres dbname=postgres",
                   f"host={socket} port={port} user=postgres password=x dbname=blog",
                   "dbname=blog user=postgres",
                   f"host=127.0.0.1 port={port} user=streaming_replica dbname=postgres password=x "
                   f"sslcert={town.cluster()}/tls/streaming_replica.crt sslkey={town.cluster()}/tls/streaming_replica.key"):
        done = through(target)
        assert done.returncode == 1 and "ERROR" in done.stderr, target


def test_access_read_and_write(town):
    town.ask("shop", "shop", "CREATE TABLE IF NOT EXISTS goods (n int GENERATED ALWAYS AS IDENTITY, what text); "
             "INSERT INTO goods (what) VALUES ('one')")
    assert int(town.ask("reader", "shop", "SELECT count(*) FROM goods")) > 0
    assert town.ask("writer", "shop", "INSERT INTO goods (what) VALUES ('two') RETURNING what; UPDATE goods SET what = 'x' WHERE n = 0; "
                    "DELETE FROM goods WHERE what = 'two'").strip() == "two"
    for role, sql in itertools.product(("reader", "writer"), ("DROP TABLE goods", "CREATE TABLE mine (n int)", "TRUNCATE goods",
                                                              "CREATE SCHEMA mine", "ALTER TABLE goods OWNER TO CURRENT_USER")):
        done = town.enter(role, "shop", sql)
        assert done.returncode == 1 and ("denied" in done.stderr or "owner" in done.stderr), (role, sql, done.stderr)
    for sql in ("INSERT INTO goods (what) VALUES ('no')", "UPDATE goods SET what = ''", "DELETE FROM goods",
                "SELECT * FROM goods FOR UPDATE", "SELECT nextval('goods_n_seq')", "CREATE TEMPORARY TABLE t (n int)"):
        done = town.enter("reader", "shop", sql)
        assert done.returncode == 1 and "denied" in done.stderr, (sql, done.stderr)
    assert int(town.ask("reader", "shop", "SELECT count(*) FROM goods", **doors(town)["ro"])) > 0


def test_access_is_lowered_and_taken(up):
    up.ask("shop", "shop", "CREATE TABLE IF NOT EXISTS ledger (n int)")
    assert up.enter("writer", "shop", "INSERT INTO ledger VALUES (1)").returncode == 0
    up.up(wanted([USERS[0], {"name": "writer", "access": "read"}]))
    assert up.ask("writer", "shop", "SELECT count(*) >= 0 FROM ledger") == "t"
    assert "denied" in up.enter("writer", "shop", "INSERT INTO ledger VALUES (2)").stderr
    up.ask("shop", "shop", "CREATE TABLE IF NOT EXISTS newer (n int)")
    assert "denied" in up.enter("writer", "shop", "INSERT INTO newer VALUES (2)").stderr

    password = up.passwords()["writer"]
    session = subprocess.Popen(["psql", "-XAtqw", "-v", "ON_ERROR_STOP=1"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                               stderr=subprocess.PIPE, cwd="/", env={**os.environ, "PGHOST": "127.0.0.1", "PGPORT": str(up.state()["port"]),
                                                                     "PGUSER": "writer", "PGDATABASE": "shop", "PGPASSWORD": password})
    try:
        session.stdin.write("SELECT 'in';\n")
        session.stdin.flush()
        assert session.stdout.readline() == "in\n"
        up.up(wanted([USERS[0]]))
        for door in doors(up).values():
            assert up.enter("writer", "shop", password=password, **door).returncode == 2
        assert up.admin("SELECT has_database_privilege('writer', 'shop', 'CONNECT')") == "f"
        # Who is no longer a tenant is out, however long the session has been open.
        wait_for(lambda: up.admin("SELECT count(*) FROM pg_stat_activity WHERE usename = 'writer'") == "0", "the end of the old session", 10)
    finally:
        session.kill()
        session.communicate()


class Session:
    """A tenant's psql that stays."""

    def __init__(self, town, role: str, database: str, port: int):
        self.process = subprocess.Popen(
            ["psql", "-XAtqw"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd="/",
            env={**os.environ, "PGHOST": "127.0.0.1", "PGPORT": str(port), "PGUSER": role, "PGDATABASE": database,
                 "PGPASSWORD": town.passwords()[role]})

    def ask(self, sql: str) -> str:
        self.process.stdin.write(sql + ";\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().strip()

    def close(self):
        self.process.kill()
        self.process.communicate()


def test_without_isolation_all_may_enter_until_it_is_switched_on(up):
    up.up(wanted(isolated=False))
    for door in doors(up).values():
        assert up.enter("shop", "blog", **door).returncode == 0, door
    sessions = [Session(up, "shop", "blog", up.state()["port"]), Session(up, "shop", "blog", up.state()["poolers"]["rw"])]
    own = Session(up, "blog", "blog", up.state()["port"])
    try:
        assert [s.ask("SELECT current_user || '@' || current_database()") for s in (*sessions, own)] == ["shop@blog"] * 2 + ["blog@blog"]
        up.up(wanted())
        for session in sessions:
            assert "shop@blog" not in session.ask("SELECT current_user || '@' || current_database()")
        assert own.ask("SELECT current_user || '@' || current_database()") == "blog@blog"
    finally:
        for session in (*sessions, own):
            session.close()
    assert up.admin("SELECT count(*) FROM pg_stat_activity WHERE usename = 'shop' AND datname = 'blog'") == "0"


def audit(town, *arguments) -> tuple[int, dict]:
    done = town.call("audit", "-o", "json", *arguments)
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout)


def test_audit_agrees_with_what_was_tried(town):
    exit_code, found = audit(town, "--attempts", "all")
    assert exit_code == 0 and found["asExpected"], found["findings"]
    assert found["verdicts"]["breach"] == found["verdicts"]["blocked"] == 0
    entered = {(a["role"], a["database"]) for a in found["attempts"] if a["outcome"] == "entered"}
    assert entered == {(role, database) for role in (*OWNERS.values(), "reader", "writer") for database in expected(role)}


def test_audit_finds_and_mends_what_a_hand_did(up):
    opened = wanted()
    opened["clusters"]["main"]["postgresql"]["pg_hba"] = ["host byhand all all scram-sha-256"]
    up.up(opened)
    up.admin("CREATE DATABASE byhand")  # PUBLIC may enter
    assert up.enter("shop", "byhand").returncode == 0
    exit_code, found = audit(up, "--attempts", "none")
    assert exit_code == 1 and "byhand" in json.dumps(found["findings"]), found["findings"]
    up.admin("DROP DATABASE byhand")
    up.up(wanted())
    up.admin("GRANT blog TO reader; GRANT CONNECT ON DATABASE blog TO shop")
    exit_code, found = audit(up, "--attempts", "none")
    assert exit_code == 1 and "wide-membership" in json.dumps(found["findings"]), found["findings"]
    exit_code, found = audit(up, "--attempts", "none", "--fix")
    assert up.admin("SELECT has_database_privilege('shop', 'blog', 'CONNECT')") == "f"
    up.up(None, "--everything")  # memberships are the file's to say
    assert up.admin("SELECT pg_has_role('reader', 'blog', 'MEMBER')") == "f"
    assert audit(up, "--attempts", "all")[0] == 0


def test_requiring_tls_shuts_plain_connections_out(up):
    assert up.enter("shop", "shop", sslmode="disable").returncode == 0
    strict = wanted()
    strict["clusters"]["main"]["isolation"]["requireTLS"] = True
    up.up(strict)
    for door in doors(up).values():
        assert up.enter("shop", "shop", sslmode="disable", **door).returncode == 2, door
        assert up.enter("shop", "shop", sslmode="require", **door).returncode == 0, door


def test_a_door_opened_by_hand_in_the_file(up):
    opened = wanted()
    opened["clusters"]["main"]["isolation"]["allow"] = [{"role": "blog", "databases": ["shop", "postgres"], "address": "127.0.0.0/8"}]
    up.up(opened)
    for door in ("primary", "rw"):
        assert up.enter("blog", "shop", **doors(up)[door]).returncode == 0, door
        assert up.enter("blog", "postgres", **doors(up)[door]).returncode == 0, door
    assert up.enter("shop", "postgres").returncode == 2
    assert audit(up, "--attempts", "all")[0] == 0
    up.up(wanted())
    assert up.enter("blog", "shop").returncode == 2 and up.enter("blog", "postgres").returncode == 2
