"""cnpg-dbm audit, from the values file to the verdict on a real server."""

import base64
import contextlib
import ctypes
import json
import socket
import ssl
import struct
import subprocess
import threading

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


class Thief:
    """Takes every connection, in TLS or not, and asks for the password in clear text."""

    def __init__(self, certificate=None):
        self.passwords = []
        self.context = None
        if certificate:
            self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.context.load_cert_chain(certificate)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.thread = threading.Thread(target=self.serve)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.listener.shutdown(socket.SHUT_RDWR)  # ends accept()
        self.thread.join()
        self.listener.close()

    def serve(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            with connection:
                connection.settimeout(20)
                with contextlib.suppress(OSError, struct.error):
                    self.ask(connection)

    def ask(self, connection):
        size, request = struct.unpack("!ii", connection.recv(8, socket.MSG_WAITALL))
        if request == 80877103:  # SSLRequest
            connection.sendall(b"S" if self.context else b"N")
            if self.context:
                connection = self.context.wrap_socket(connection, server_side=True)
            size, request = struct.unpack("!ii", connection.recv(8))
        connection.recv(size - 8)
        connection.sendall(struct.pack("!cii", b"R", 8, 3))  # AuthenticationCleartextPassword
        answer = connection.recv(1000)
        if answer[:1] == b"p":
            self.passwords.append(answer[5:].rstrip(b"\0").decode())


def ask_thief(thief, values, host, *arguments):
    return golden.run("audit", "-f", values, "--host", host, "--port", thief.port, *arguments,
                      env={"PGPASSWORD": postgres.PASSWORD})


# 127.1 is an address to the resolver and a name to everybody else: not known to be this machine.
def test_a_stranger_gets_no_password(values):
    with Thief() as thief:
        done = ask_thief(thief, values, "127.1")
        assert done.returncode == 1 and "SSL" in done.stderr, done.stderr
        assert not thief.passwords and "warning" not in done.stderr


def test_what_is_weaker_is_asked_for_and_told(values):
    knows_require_auth = ctypes.CDLL("libpq.so.5").PQlibVersion() >= 160000
    for host, warns in (("127.1", True), ("127.0.0.1", False)):
        with Thief() as thief:
            done = ask_thief(thief, values, host, "--sslmode", "prefer")
            assert done.returncode == 1
            assert ("--sslmode prefer: whoever answers for 127.1" in done.stderr) == warns, done.stderr
            # docs/audit.md: before 16, libpq answers.
            assert set(thief.passwords) == (set() if knows_require_auth else {postgres.PASSWORD})
            assert postgres.PASSWORD not in done.stdout + done.stderr


def test_channel_binding_answers_no_clear_text_request(values, tmp_path):
    certificate = tmp_path / "thief.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=thief", "-days", "1",
                    "-keyout", certificate, "-out", tmp_path / "thief.crt"], check=True, capture_output=True)
    certificate.write_text(certificate.read_text() + (tmp_path / "thief.crt").read_text())
    for host in ("127.1", "127.0.0.1"):
        with Thief(certificate) as thief:
            done = ask_thief(thief, values, host, "--sslmode", "require")
            assert done.returncode == 1 and "channel binding" in done.stderr, done.stderr
            assert not thief.passwords
    with Thief(certificate) as thief:
        done = ask_thief(thief, values, "127.1")
        assert done.returncode == 1 and "certificate" in done.stderr, done.stderr
        assert not thief.passwords


def test_the_environment_of_libpq_counts_for_nothing(values):
    done = golden.run("audit", "-f", values, "--host", "127.0.0.1", "--port", "1",
                      env={"PGHOSTADDR": "192.0.2.1", "PGSERVICE": "none", "PGSSLMODE": "nonsense",
                           "PGOPTIONS": "-c nonsense=1"})
    assert done.returncode == 1 and "cannot connect to 127.0.0.1:1" in done.stderr
    assert "refused" in done.stderr, done.stderr
