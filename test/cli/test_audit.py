"""cnpg-dbm audit, from the values file to the verdict on a real server."""

import base64
import json

import golden
import postgres
import pytest
import yaml

VALUES = """
clusters:
  main:
    enabled: true
    databases:
      - {name: orders, owner: anna}
      - {name: people, owner: ben, users: [{name: reader, access: read}]}
"""


def objects(values, key) -> list[dict]:
    done = golden.run("template", "-f", values, "--password-key-file", key)
    assert done.returncode == 0, done.stderr
    return list(yaml.load_all(done.stdout, yaml.CSafeLoader))


@pytest.fixture
def key():
    with golden.KeyFile() as path:
        yield path


@pytest.fixture
def values(tmp_path):
    path = tmp_path / "values.yaml"
    path.write_text(VALUES)
    return path


@pytest.fixture
def server(values, key):
    """A server that holds what the rendered objects ask for."""
    rendered = objects(values, key)
    cluster = next(o for o in rendered if o["kind"] == "Cluster")
    with postgres.server(cluster["spec"]["postgresql"]["pg_hba"]) as it:
        for secret in rendered:
            if secret["kind"] == "Secret" and secret["metadata"]["name"].endswith("-password"):
                role, password = (base64.b64decode(secret["data"][k]).decode() for k in ("username", "password"))
                it.psql(f"CREATE ROLE {role} LOGIN PASSWORD '{password}'")
        it.psql("CREATE DATABASE orders OWNER anna")
        it.psql("CREATE DATABASE people OWNER ben")
        yield it


def audit(server, values, *arguments):
    return golden.run("audit", "-f", values, "--host", "127.0.0.1", "--port", server.port, *arguments,
                      env={"PGPASSWORD": postgres.PASSWORD})


def test_what_is_rendered_isolates(server, values, key):
    done = audit(server, values, "--password-key-file", key, "--attempts", "all", "-o", "json")
    found = json.loads(done.stdout)
    assert done.returncode == 0, done.stdout
    assert found["asExpected"] and found["verdicts"]["breach"] == found["verdicts"]["blocked"] == 0
    entered = {(a["role"], a["database"]) for a in found["attempts"] if a["outcome"] == "entered"}
    assert entered == {("anna", "orders"), ("ben", "people"), ("reader", "people")}
    assert {f["code"] for f in found["findings"]} == {"public-connect", "public-temporary"}

    done = audit(server, values, "--password-key-file", key, "--fix")
    assert done.returncode == 0 and "REVOKE CONNECT" in done.stdout and "as expected" in done.stdout, done.stdout
    assert audit(server, values, "--attempts", "none").stdout.count("warning") == 0
    assert "nothing to mend" in audit(server, values, "--attempts", "none", "--fix").stdout

    # Somebody gives a tenant more than the file does.
    server.psql("GRANT ben TO anna")
    server.psql("ALTER ROLE reader CREATEROLE")
    done = audit(server, values, "--attempts", "none")
    assert done.returncode == 1
    assert "[wide-membership]" in done.stdout and "[wide-role]" in done.stdout


def test_passwords_from_a_file(server, values, tmp_path):
    path = tmp_path / "passwords.json"
    path.write_text(json.dumps({"main": {"anna": "not-hers-9341"}, "other": {}}))
    done = audit(server, values, "--passwords-file", path)
    assert done.returncode == 1 and "may be read by others" in done.stderr
    path.chmod(0o600)
    done = audit(server, values, "--passwords-file", path)
    assert done.returncode == 1 and "role anna" in done.stdout and "[wrong-password]" in done.stdout
    assert "9341" not in done.stdout + done.stderr
    path.write_text('{"main": {"anna": ["secret-7719"]}}')
    done = audit(server, values, "--passwords-file", path)
    assert done.returncode == 1 and "is not of the form" in done.stderr and "7719" not in done.stderr


def test_what_cannot_be_asked_is_said(values):
    for arguments, exit_code, said in (
            (["--host", "127.0.0.1", "--port", "1"], 1, "cannot connect to 127.0.0.1:1"),
            (["--dir", "/nowhere"], 1, "there is no cluster main in /nowhere"),
            (["--host", "h", "--pooler", "rw"], 2, "NAME=HOST:PORT"),
            (["--host", "h", "--cluster", "mian"], 2, 'did you mean "main"?'),
            (["--host", "h", "--set", "clusters.b.enabled=true"], 2, "has several clusters"),
            (["--host", "h", "--attempts", "most"], 2, "--attempts")):
        done = golden.run("audit", "-f", values, *arguments)
        assert (done.returncode, said in done.stderr) == (exit_code, True), (arguments, done.stderr)
        assert not done.stdout
