"""A client of PostgreSQL's protocol up to the end of the login. libpq sends no empty password; this sends any."""

import base64
import hashlib
import hmac
import os
import socket
import ssl
import struct


def _login(stream, user: str, database: str, password: str) -> str:
    def send(kind: bytes, body: bytes) -> None:
        stream.sendall(kind + struct.pack("!I", len(body) + 4) + body)

    def exactly(count: int) -> bytes:
        data = b""
        while len(data) < count:
            more = stream.recv(count - len(data))
            if not more:
                raise ConnectionError
            data += more
        return data

    send(b"", struct.pack("!I", 3 << 16) + f"user\0{user}\0database\0{database}\0\0".encode())
    nonce, outcome, auth = base64.b64encode(os.urandom(18)).decode(), "refused", ""
    while True:
        kind, length = struct.unpack("!cI", exactly(5))
        body = exactly(length - 4)
        if kind == b"Z":
            return "entered"
        if kind == b"E":
            return outcome
        if kind != b"R":
            continue
        step = struct.unpack("!I", body[:4])[0]
        if step == 3:
            send(b"p", password.encode() + b"\0")
        elif step == 5:
            inner = hashlib.md5((password + user).encode()).hexdigest().encode()
            send(b"p", b"md5" + hashlib.md5(inner + body[4:8]).hexdigest().encode() + b"\0")
        elif step == 10:
            first = f"n,,n={user},r={nonce}".encode()
            send(b"p", b"SCRAM-SHA-256\0" + struct.pack("!I", len(first)) + first)
        elif step == 11:
            said = body[4:].decode()
            parts = dict(part.split("=", 1) for part in said.split(","))
            salted = hashlib.pbkdf2_hmac("sha256", password.encode(), base64.b64decode(parts["s"]), int(parts["i"]))
            key = hmac.digest(salted, b"Client Key", "sha256")
            auth = f"n={user},r={nonce},{said},c=biws,r={parts['r']}"
            signature = hmac.digest(hashlib.sha256(key).digest(), auth.encode(), "sha256")
            proof = base64.b64encode(bytes(a ^ b for a, b in zip(key, signature))).decode()
            send(b"p", f"c=biws,r={parts['r']},p={proof}".encode())
        elif step in (0, 12):
            outcome = "proved"  # the password was right, whatever comes of it


def login(user: str, database: str, password: str, *, port: int, host: str = "127.0.0.1", tls: bool = False) -> str:
    """"entered", "proved" (the password was taken, then the session was refused), or "refused"."""
    with socket.create_connection((host, port), timeout=20) as stream:
        try:
            if tls:
                stream.sendall(struct.pack("!II", 8, 80877103))
                if stream.recv(1) != b"S":
                    return "refused"
                context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
                context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
                with context.wrap_socket(stream) as wrapped:
                    return _login(wrapped, user, database, password)
            return _login(stream, user, database, password)
        except ConnectionError:
            return "refused"
