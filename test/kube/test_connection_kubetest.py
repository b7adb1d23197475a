"""Ways to the server: through a proxy of HTTP, by the kubeconfig or the environment."""

import base64
import contextlib
import os
import socket
import subprocess
import threading

import pytest

from releases import DONE, REFUSED, shop


class ConnectProxy:
    """Carries CONNECT through, or answers `refusal`. `asked`: each request's first line and headers."""

    def __init__(self, refusal: str | None = None):
        self.refusal, self.asked, self._sockets = refusal, [], []

    def __enter__(self):
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = "127.0.0.1:%d" % self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_):
        for each in (self._listener, *self._sockets):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                self._sockets.append(client)
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client):
        with contextlib.suppress(OSError):
            head = b""
            while b"\r\n\r\n" not in head:
                head += client.recv(4096)
            self.asked.append(head.decode())
            if self.refusal:
                client.sendall(f"HTTP/1.1 {self.refusal}\r\ncontent-length: 0\r\n\r\n".encode())
                return
            host, port = head.split()[1].decode().rsplit(":", 1)
            server = socket.create_connection((host, int(port)))
            self._sockets.append(server)
            client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            threading.Thread(target=self._carry, args=(server, client), daemon=True).start()
            self._carry(client, server)

    @staticmethod
    def _carry(source, target):
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)


def by_proxy(release, url: str):
    return release.judge.changed_kubeconfig(release.folder / "kubeconfig-with-proxy", cluster={"proxy-url": url})


def test_proxy_of_the_kubeconfig(release):
    with ConnectProxy() as proxy:
        release.run("apply", values=shop(), kubeconfig=by_proxy(release, f"http://me:hunter2@{proxy.address}"))
        assert proxy.asked
        secret = base64.b64encode(b"me:hunter2").decode()
        for head in proxy.asked:
            assert head.startswith(f"CONNECT 127.0.0.1:{release.judge.port} ")
            assert f"proxy-authorization: basic {secret}".lower() in head.lower()
    release.run("diff", values=shop(), code=DONE)


def test_proxy_that_refuses(release):
    with ConnectProxy(refusal="407 Proxy Authentication Required") as proxy:
        done = release.run("apply", values=shop(), kubeconfig=by_proxy(release, f"http://me:hunter2@{proxy.address}"), code=REFUSED)
        assert len(proxy.asked) < 5, "it hammers a proxy that refuses it"
    assert "407" in done.err and "the proxy wants another user or password" in done.err
    assert "hunter2" not in done.err + done.out and not release.state()


def test_proxy_that_is_not_there(release):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    done = release.run("apply", "--timeout", "3s", values=shop(), kubeconfig=by_proxy(release, f"http://me:hunter2@127.0.0.1:{port}"), code=(REFUSED, 4))
    assert f"Failed to connect to 127.0.0.1 port {port}" in done.err
    assert "hunter2" not in done.err + done.out


@pytest.mark.parametrize("exception", [None, "127.0.0.1"], ids=["all", "but this host"])
def test_proxy_of_the_environment(release, exception):
    with ConnectProxy() as proxy:
        environment = os.environ | {"HTTPS_PROXY": f"http://{proxy.address}"} | ({"NO_PROXY": exception} if exception else {})
        run = subprocess.run(release.command("apply", values=shop()), capture_output=True, text=True, timeout=60, env=environment)
        assert run.returncode == DONE, run.stderr
        assert bool(proxy.asked) == (exception is None)
