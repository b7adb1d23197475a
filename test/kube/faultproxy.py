"""A proxy between a program and the judge's API server that breaks what passes through it.

    with FaultProxy(judge, [Fault(reset_after, 3)]) as proxy:      # the third request is carried out, its answer is lost
        subprocess.run([program, "--kubeconfig", proxy.kubeconfig(), …])
    proxy.log                                                      # every request: method, path, query, body, status

It ends TLS with the judge's own certificate, so a program must verify it as it would the server, and speaks HTTP/2 and
HTTP/1.1 as the client asks (HTTP/1.1 alone where Debian's python3-h2 is missing or with http2=False). Towards the server
it is the administrator when the client shows the administrator's certificate; a bearer token is passed on, or exchanged
by `tokens`. Its threads end with the `with`.
"""

import contextlib
import dataclasses
import http.client
import json
import os
import pathlib
import select
import socket
import ssl
import struct
import tempfile
import threading
import time
import urllib.parse
from collections.abc import Callable

try:
    import h2.config
    import h2.connection
    import h2.events
    import h2.exceptions
    import h2.settings
except ImportError:  # HTTP/1.1 alone
    h2 = None

PATIENCE = 60  # seconds that a thread waits for anything before it gives up
HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "upgrade", "proxy-connection", "te"}


@dataclasses.dataclass
class Request:
    number: int  # from 1, in the order of arrival
    method: str
    path: str
    query: str
    headers: dict[str, str]  # names in lower case
    body: bytes
    at: float  # time.monotonic()
    http: str = "1.1"
    status: int | None = None  # what the client was told; None: nothing

    @property
    def writes(self) -> bool:
        """Whether the server's content may change by it."""
        asks = ("/selfsubjectaccessreviews", "/selfsubjectrulesreviews", "/selfsubjectreviews", "/subjectaccessreviews")
        tried = "dryRun=All" in self.query or (self.method == "DELETE" and b'"dryRun":["All"]' in self.body)
        return self.method not in ("GET", "HEAD", "OPTIONS") and not tried and not self.path.endswith(asks)

    @property
    def watches(self) -> bool:
        return urllib.parse.parse_qs(self.query).get("watch", ["0"])[0] in ("1", "true")

    def __str__(self):
        return f"{self.number}. {self.method} {self.path}{'?' if self.query else ''}{self.query} -> {self.status}"


@dataclasses.dataclass
class Answer:
    status: int
    headers: list[tuple[str, str]]
    body: bytes


@dataclasses.dataclass
class Fault:
    """`act` is done to the request of number `when`, or to those that `when(request)` is true for; `times` at most."""

    act: Callable[["Exchange"], None]
    when: int | Callable[[Request], bool]
    times: int | None = 1  # None: always
    hits: list[Request] = dataclasses.field(default_factory=list)

    def wants(self, request: Request) -> bool:
        if self.times is not None and len(self.hits) >= self.times:
            return False
        return request.number == self.when if isinstance(self.when, int) else self.when(request)


# What can be done to a request. Each is an `act`, or makes one.

def reset_before(exchange):
    """The connection breaks before the server saw the request."""
    exchange.reset()


def reset_after(exchange):
    """The server did it; the connection breaks before the answer."""
    exchange.forward()
    exchange.reset()


def half(exchange):
    """Half of the answer's body, then nothing more on this connection (HTTP/2: on this stream)."""
    exchange.half(exchange.forward())


def go_away(exchange):
    """The answer, and with it the wish that the client connects anew (GOAWAY; Connection: close)."""
    exchange.reply(exchange.forward(), last=True)


def hang(exchange):
    """Never an answer; the connection stays open."""
    exchange.proxy.closing.wait(PATIENCE)


def kill_before(exchange):
    """The program dies by kill -9 while its request is under way; the server never sees it."""
    exchange.proxy.kill_victim()
    exchange.reset()


def kill_after(exchange):
    """The server did it; the program dies by kill -9 before it knows."""
    exchange.forward()
    exchange.proxy.kill_victim()
    exchange.reset()


def delay(seconds: float):
    def act(exchange):
        exchange.proxy.closing.wait(seconds)
        exchange.pass_on()
    return act


def hold(until: threading.Event, after: bool = False):
    """The request waits until the event is set; `after`: its answer does."""
    def act(exchange):
        answer = exchange.forward() if after else None
        until.wait(PATIENCE)
        exchange.reply(answer or exchange.forward())
    return act


def says(status: int, reason: str, message: str, retry_after: int | None = None):
    """A Status of the server's kind instead of doing it."""
    body = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "message": message, "reason": reason,
            "code": status}
    if retry_after is not None:
        body["details"] = {"retryAfterSeconds": retry_after}
    headers = [("content-type", "application/json")] + ([("retry-after", str(retry_after))] if retry_after is not None else [])

    def act(exchange):
        exchange.reply(Answer(status, headers, json.dumps(body).encode()))
    return act


too_many = says(429, "TooManyRequests", "too many requests, please try again later", retry_after=1)
internal_error = says(500, "InternalError", "Internal error occurred: etcdserver: leader changed")
unavailable = says(503, "ServiceUnavailable", "the server is currently unable to handle the request")
unauthorized = says(401, "Unauthorized", "Unauthorized")


def not_json(exchange):
    """What a load balancer says when there is no server behind it."""
    exchange.reply(Answer(502, [("content-type", "text/html")], b"<html><h1>502 Bad Gateway</h1></html>"))


class FaultProxy:
    """`faults`: the first that wants a request has it; others pass. `tokens`: what a bearer token is exchanged for
    (None: the administrator); when there are any, every other token is answered 401. `edit(request, answer)` may change
    answers. `on_request(request)` sees each before anything is done to it."""

    def __init__(self, judge, faults=(), *, tokens: dict[str, str | None] | None = None, http2: bool = True,
                 edit: Callable[[Request, Answer], Answer] | None = None, on_request: Callable[[Request], None] | None = None):
        self.faults = list(faults)
        self.tokens = tokens or {}
        self.log: list[Request] = []
        self.closing = threading.Event()
        self.lock = threading.Lock()
        self.edit, self.on_request = edit, on_request
        self._judge = judge
        self._victim = None
        self._victim_known = threading.Event()
        self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._tls.load_cert_chain(judge.directory / "server.crt", judge.directory / "server.key")
        self._tls.load_verify_locations(judge.directory / "ca.crt")
        self._tls.verify_mode = ssl.CERT_OPTIONAL
        self._tls.set_alpn_protocols(["h2", "http/1.1"] if h2 and http2 else ["http/1.1"])
        self._upstream_tls = {True: ssl.create_default_context(cafile=str(judge.directory / "ca.crt")),
                              False: ssl.create_default_context(cafile=str(judge.directory / "ca.crt"))}
        self._upstream_tls[True].load_cert_chain(judge.directory / "admin.crt", judge.directory / "admin.key")
        self._idle: dict[bool, list[http.client.HTTPSConnection]] = {True: [], False: []}
        self._sockets: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []

    def __enter__(self):
        self._folder = pathlib.Path(tempfile.mkdtemp(prefix="proxy-", dir=self._judge.directory))  # goes with the judge
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self._listener.getsockname()[1]
        self._spawn(self._accept)
        return self

    def __exit__(self, *_):
        self.closing.set()
        self._victim_known.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        with self.lock:
            sockets = list(self._sockets)
        for open_socket in sockets:
            shut(open_socket)
        for thread in self._threads:
            thread.join(PATIENCE)
        for connections in self._idle.values():
            for connection in connections:
                connection.close()

    def kubeconfig(self, *, token: str | None = None, token_file: pathlib.Path | None = None) -> pathlib.Path:
        """One that leads here: as the administrator by certificate, or with a token."""
        user = {"token": token} if token is not None else {"tokenFile": str(token_file)} if token_file is not None else None
        return self._judge.changed_kubeconfig(self._folder / f"kubeconfig-{len(list(self._folder.iterdir()))}",
                                              cluster={"server": f"https://127.0.0.1:{self.port}"}, user=user)

    @property
    def writes(self) -> list[Request]:
        return [request for request in self.log if request.writes]

    def kill_victim(self):
        """kill -9 of the process that `victim` named, or will name in a moment."""
        self._victim_known.wait(PATIENCE)
        if self._victim is not None:
            self._victim.kill()
            self._victim.wait()

    def victim(self, process):
        """`process`: a subprocess.Popen."""
        self._victim = process
        self._victim_known.set()

    # Requests, whatever brought them

    def admit(self, method, target, headers, body, version, is_admin) -> "Exchange":
        path, _, query = target.partition("?")
        with self.lock:
            request = Request(len(self.log) + 1, method, path, query, headers, body, time.monotonic(), version)
            self.log.append(request)
            fault = next((fault for fault in self.faults if fault.wants(request)), None)
            if fault:
                fault.hits.append(request)
        return Exchange(self, request, fault, is_admin)

    def upstream(self, request: Request, is_admin: bool):
        """The server's answer, its body not read yet, and the connection that it comes on."""
        headers = {name: value for name, value in request.headers.items() if name not in HOP_BY_HOP and not name.startswith(":")}
        bearer = headers.get("authorization", "")
        if self.tokens and bearer.startswith("Bearer "):
            token = self.tokens[bearer.removeprefix("Bearer ")]
            del headers["authorization"]
            is_admin = token is None
            if token is not None:
                headers["authorization"] = f"Bearer {token}"
        elif bearer:
            is_admin = False
        if self.edit:
            headers.pop("accept-encoding", None)
        headers["host"] = f"127.0.0.1:{self._judge.port}"
        target = request.path + ("?" + request.query if request.query else "")
        for fresh in (False, True):
            with self.lock:
                connection = None if fresh or not self._idle[is_admin] else self._idle[is_admin].pop()
            connection = connection or http.client.HTTPSConnection(
                "127.0.0.1", self._judge.port, timeout=PATIENCE, context=self._upstream_tls[is_admin])
            try:
                connection.putrequest(request.method, target, skip_host=True, skip_accept_encoding=True)
                for name, value in headers.items():
                    if name != "content-length":
                        connection.putheader(name, value)
                if request.body or request.method in ("POST", "PUT", "PATCH", "DELETE"):
                    connection.putheader("content-length", str(len(request.body)))
                connection.endheaders(request.body or None)
                return connection.getresponse(), connection, is_admin
            except (http.client.RemoteDisconnected, BrokenPipeError, ConnectionResetError):
                connection.close()
                if fresh:
                    raise
        raise AssertionError

    def give_back(self, connection, is_admin):
        with self.lock:
            self._idle[is_admin].append(connection)

    def knows(self, request: Request, is_admin: bool) -> bool:
        bearer = request.headers.get("authorization", "")
        if not bearer:
            return is_admin
        return not self.tokens or bearer.removeprefix("Bearer ") in self.tokens

    # Connections

    def _spawn(self, run, *arguments):
        thread = threading.Thread(target=run, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self):
        while not self.closing.is_set():
            try:
                plain, _ = self._listener.accept()
            except OSError:
                return
            self._spawn(self._serve, plain)

    def _serve(self, plain):
        plain.settimeout(PATIENCE)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with self.lock:
            self._sockets.add(plain)
        secure = None
        try:
            secure = self._tls.wrap_socket(plain, server_side=True)
            with self.lock:
                self._sockets.discard(plain)
                self._sockets.add(secure)
            is_admin = any(entry == ("organizationName", "system:masters")
                           for part in (secure.getpeercert() or {}).get("subject", ()) for entry in part)
            connection = Http2 if secure.selected_alpn_protocol() == "h2" else Http1
            connection(self, secure, is_admin).run()
        except (OSError, ValueError, http.client.HTTPException):
            pass  # the client went away, or was sent away
        finally:
            with self.lock:
                self._sockets.discard(plain)
                self._sockets.discard(secure)
            (secure or plain).close()

    def spawn(self, run, *arguments):
        self._spawn(run, *arguments)


class Exchange:
    """One request and what becomes of it; `out` carries it back: Http1 or a stream of Http2."""

    def __init__(self, proxy: FaultProxy, request: Request, fault: Fault | None, is_admin: bool):
        self.proxy, self.request, self.fault, self.is_admin = proxy, request, fault, is_admin
        self.out = None

    def run(self, out):
        self.out = out
        if self.proxy.on_request:
            self.proxy.on_request(self.request)
        if not self.proxy.knows(self.request, self.is_admin):
            unauthorized(self)
        elif self.fault:
            self.fault.act(self)
        else:
            self.pass_on()

    def forward(self) -> Answer:
        """Has the server do it."""
        response, connection, is_admin = self.proxy.upstream(self.request, self.is_admin)
        return self._read(response, connection, is_admin)

    def _read(self, response, connection, is_admin) -> Answer:
        answer = Answer(response.status, self._headers(response), response.read())
        self.proxy.give_back(connection, is_admin)
        return self.proxy.edit(self.request, answer) if self.proxy.edit else answer

    def pass_on(self):
        if not self.request.watches:
            self.reply(self.forward())
            return
        response, connection, is_admin = self.proxy.upstream(self.request, self.is_admin)
        if response.status != 200:
            self.reply(self._read(response, connection, is_admin))
            return
        self.request.status = 200
        self.out.begin(200, self._headers(response), None)
        self.proxy.spawn(self._end_with_client, connection.sock)
        try:
            while chunk := response.read1(65536):
                self.out.send(chunk)
            self.out.end()
        finally:
            connection.close()

    def _end_with_client(self, upstream):
        """Ends a watch when nobody reads it any more."""
        while not (self.proxy.closing.wait(0.05) or self.out.is_gone()):
            pass
        shut(upstream)

    @staticmethod
    def _headers(response):
        return [(name.lower(), value) for name, value in response.getheaders()
                if name.lower() not in HOP_BY_HOP and name.lower() != "content-length"]

    def reply(self, answer: Answer, last: bool = False):
        self.request.status = answer.status
        self.out.begin(answer.status, answer.headers, len(answer.body), last)
        self.out.send(answer.body)
        self.out.end(last)

    def half(self, answer: Answer):
        self.out.begin(answer.status, answer.headers, len(answer.body))
        self.out.send(answer.body[:len(answer.body) // 2])
        self.out.break_off()

    def reset(self):
        self.out.reset()


def abort(tls_socket):
    """A TCP reset, not an orderly end."""
    with contextlib.suppress(OSError):
        tls_socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    tls_socket.close()


def shut(open_socket):
    """Both ways. Not SSLSocket's own shutdown: after that a thread that reads would take ciphertext for text."""
    with contextlib.suppress(OSError):
        socket.socket.shutdown(open_socket, socket.SHUT_RDWR)


class Http1:
    """One connection of HTTP/1.1: requests one after the other."""

    def __init__(self, proxy, tls_socket, is_admin):
        self._proxy, self._socket, self._is_admin = proxy, tls_socket, is_admin
        self._in = tls_socket.makefile("rb")
        self._open, self._chunked = True, False

    def run(self):
        while self._open and not self._proxy.closing.is_set():
            line = self._in.readline(65536).decode("latin-1").split()
            if len(line) != 3:
                return
            method, target, _ = line
            headers = {}
            while (line := self._in.readline(65536).decode("latin-1").strip()):
                name, _, value = line.partition(":")
                headers[name.strip().lower()] = value.strip()
            if headers.get("expect", "").lower() == "100-continue":
                self._socket.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
            body = self._body(headers)
            self._proxy.admit(method, target, headers, body, "1.1", self._is_admin).run(self)

    def _body(self, headers) -> bytes:
        if headers.get("transfer-encoding", "").lower() != "chunked":
            return self._in.read(int(headers.get("content-length", "0")))
        parts = []
        while size := int(self._in.readline().split(b";")[0], 16):
            parts.append(self._in.read(size))
            self._in.readline()
        self._in.readline()
        return b"".join(parts)

    def begin(self, status, headers, length, last=False):
        self._chunked = length is None
        lines = [f"HTTP/1.1 {status} {http.client.responses.get(status, 'Unknown')}"]
        lines += [f"{name}: {value}" for name, value in headers]
        lines.append("transfer-encoding: chunked" if self._chunked else f"content-length: {length}")
        if last:
            lines.append("connection: close")
        self._socket.sendall(("\r\n".join(lines) + "\r\n\r\n").encode("latin-1"))

    def send(self, data):
        if data:
            self._socket.sendall(b"%x\r\n%b\r\n" % (len(data), data) if self._chunked else data)

    def end(self, last=False):
        if self._chunked:
            self._socket.sendall(b"0\r\n\r\n")
        self._open = self._open and not last

    def is_gone(self) -> bool:
        try:
            ready, _, _ = select.select([self._socket], [], [], 0)
        except (OSError, ValueError):
            return True
        return bool(ready)  # a client that watches sends nothing but its end

    def break_off(self):
        self._open = False

    def reset(self):
        self._open = False
        abort(self._socket)


class Http2:
    """One connection of HTTP/2: a thread a stream; this thread alone touches the socket."""

    def __init__(self, proxy, tls_socket, is_admin):
        self._proxy, self._socket, self._is_admin = proxy, tls_socket, is_admin
        self.lock = threading.Condition()
        self.connection = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False, header_encoding="utf-8"))
        self._streams: dict[int, tuple[dict, bytearray]] = {}
        self._wake_in, self._wake_out = os.pipe()
        self._raw = b""
        self._last_stream: int | None = None  # after GOAWAY: later ones are not looked at
        self.over = False
        self._aborts = False

    def run(self):
        try:
            with self.lock:
                self.connection.initiate_connection()
            while True:
                with self.lock:
                    data = self.connection.data_to_send() + self._raw
                    self._raw = b""
                    done = self._last_stream is not None and not self._streams
                if data:
                    self._socket.sendall(data)
                if self._aborts:
                    abort(self._socket)
                    return
                if done:
                    return
                if not self._socket.pending():
                    ready, _, _ = select.select([self._socket, self._wake_in], [], [], PATIENCE)
                    if self._wake_in in ready:
                        os.read(self._wake_in, 65536)
                    if self._proxy.closing.is_set():
                        return
                    if self._socket not in ready:
                        continue
                data = self._socket.recv(65536)
                if not data:
                    return
                with self.lock:
                    self._receive(data)
        except (OSError, h2.exceptions.ProtocolError):
            pass
        finally:
            with self.lock:
                self.over = True
                self.lock.notify_all()
                os.close(self._wake_in)
                os.close(self._wake_out)
                self._wake_out = -1

    def _receive(self, data):
        for event in self.connection.receive_data(data):
            if isinstance(event, h2.events.RequestReceived):
                if self._last_stream is None:
                    self._streams[event.stream_id] = (dict(event.headers), bytearray())
            elif isinstance(event, h2.events.DataReceived):
                if event.stream_id in self._streams:
                    self._streams[event.stream_id][1].extend(event.data)
                self.connection.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            elif isinstance(event, h2.events.StreamEnded) and event.stream_id in self._streams:
                headers, body = self._streams[event.stream_id]
                plain = {name: value for name, value in headers.items() if not name.startswith(":")}
                exchange = self._proxy.admit(headers[":method"], headers[":path"], plain, bytes(body), "2", self._is_admin)
                self._proxy.spawn(self._run_stream, exchange, event.stream_id)
            elif isinstance(event, h2.events.StreamReset):
                self._streams.pop(event.stream_id, None)
        self.lock.notify_all()

    def _run_stream(self, exchange, stream_id):
        try:
            exchange.run(Stream(self, stream_id))
        except (OSError, http.client.HTTPException, h2.exceptions.ProtocolError):
            pass  # the client took its request back

    def has(self, stream_id) -> bool:
        return not self.over and stream_id in self._streams

    def forget(self, stream_id):
        self._streams.pop(stream_id, None)

    def go_away(self):
        """By hand: h2 takes a GOAWAY for the end of the connection, and here the streams under way shall finish."""
        self._last_stream = self.connection.highest_inbound_stream_id
        self._raw += b"\0\0\x08\x07\0" + struct.pack(">III", 0, self._last_stream, 0)

    def wake(self):
        if self._wake_out >= 0:
            os.write(self._wake_out, b".")

    def abort(self):
        with self.lock:
            self._aborts = True
            self.wake()


class Stream:
    """One answer on a connection of HTTP/2."""

    def __init__(self, http2: Http2, stream_id: int):
        self._http2, self._id = http2, stream_id

    def begin(self, status, headers, length, last=False):
        with self._http2.lock:
            all_headers = [(":status", str(status)), *headers]
            if length is not None:
                all_headers.append(("content-length", str(length)))
            self._http2.connection.send_headers(self._id, all_headers)
            self._http2.wake()

    def send(self, data):
        view = memoryview(data)
        connection = self._http2.connection
        while view:
            with self._http2.lock:
                while self._http2.has(self._id) and not connection.local_flow_control_window(self._id):
                    if not self._http2.lock.wait(PATIENCE):
                        return
                if not self._http2.has(self._id):
                    return
                size = min(len(view), connection.local_flow_control_window(self._id), connection.max_outbound_frame_size)
                connection.send_data(self._id, bytes(view[:size]))
                self._http2.wake()
            view = view[size:]

    def end(self, last=False):
        with self._http2.lock:
            if self._http2.has(self._id):
                self._http2.connection.end_stream(self._id)
                self._http2.forget(self._id)
            if last:
                self._http2.go_away()
            self._http2.wake()

    def is_gone(self) -> bool:
        with self._http2.lock:
            return not self._http2.has(self._id)

    def break_off(self):
        with self._http2.lock:
            if self._http2.has(self._id):
                self._http2.connection.reset_stream(self._id, 2)  # INTERNAL_ERROR
                self._http2.forget(self._id)
            self._http2.wake()

    def reset(self):
        self._http2.abort()
