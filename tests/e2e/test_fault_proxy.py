# SPDX-License-Identifier: MIT
"""The fault proxy does what its name says."""
import socket
import threading
import time
import unittest

from fault_proxy import FaultProxy


class Echo:
    """Gives back what it gets."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.got = []
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.echo, args=(client,), daemon=True).start()

    def echo(self, client):
        with client:
            try:
                while data := client.recv(65536):
                    self.got.append(data)
                    client.sendall(data)
            except OSError:
                pass


class Proxy(unittest.TestCase):
    def setUp(self):
        self.echo = Echo()
        self.addCleanup(self.echo.listener.close)
        self.proxy = FaultProxy(self.echo.port)
        self.addCleanup(self.proxy.close)

    def connect(self):
        client = socket.create_connection(("127.0.0.1", self.proxy.port), 10)
        self.addCleanup(client.close)
        return client

    def exchange(self, client, data):
        client.sendall(data)
        return self.receive(client, len(data))

    def receive(self, client, count):
        got = b""
        while len(got) < count:
            piece = client.recv(65536)
            if not piece:
                break
            got += piece
        return got

    def test_plain(self):
        client = self.connect()
        self.assertEqual(self.exchange(client, b"hello"), b"hello")
        many = bytes(range(256)) * 4096 * 8
        sender = threading.Thread(target=client.sendall, args=(many,))
        sender.start()
        self.assertEqual(self.receive(client, len(many)), many)
        sender.join()
        client.shutdown(socket.SHUT_WR)
        self.assertEqual(client.recv(1), b"")

    def test_latency(self):
        self.proxy.down.set(latency=0.2)
        client = self.connect()
        start = time.monotonic()
        self.assertEqual(self.exchange(client, b"hello"), b"hello")
        self.assertGreaterEqual(time.monotonic() - start, 0.2)

    def test_reset_after(self):
        self.proxy.down.set(reset_after=3)
        client = self.connect()
        client.sendall(b"hello")
        with self.assertRaises(ConnectionResetError):
            while client.recv(100):
                pass

    def test_limit(self):
        self.proxy.down.set(limit=3)
        client = self.connect()
        self.assertEqual(self.exchange(client, b"hello"), b"hel")
        self.assertEqual(client.recv(1), b"")

    def test_half_open(self):
        client = self.connect()
        self.assertEqual(self.exchange(client, b"hello"), b"hello")
        self.proxy.up.set(swallow=True)
        client.sendall(b"lost")
        client.settimeout(0.2)
        self.assertRaises(TimeoutError, client.recv, 1)
        self.proxy.heal()
        client.settimeout(10)
        self.assertEqual(self.exchange(client, b"back"), b"back")
        self.assertNotIn(b"lost", b"".join(self.echo.got))

    def test_dribble(self):
        self.proxy.up.set(dribble=0.005)
        self.assertEqual(self.exchange(self.connect(), b"hello"), b"hello")
        self.assertGreaterEqual(self.proxy.writes, 5 + 1)

    def test_refuse_and_listen(self):
        client = self.connect()
        self.assertEqual(self.exchange(client, b"hello"), b"hello")
        self.proxy.refuse()
        self.assertRaises(ConnectionRefusedError, self.connect)
        self.assertRaises(ConnectionResetError, client.recv, 1)
        self.proxy.listen()
        self.assertEqual(self.exchange(self.connect(), b"again"), b"again")

    def test_reset_all(self):
        client = self.connect()
        self.assertEqual(self.exchange(client, b"hello"), b"hello")
        self.proxy.reset_all()
        self.assertRaises(ConnectionResetError, client.recv, 1)
        self.assertEqual(self.exchange(self.connect(), b"again"), b"again")

    def test_nobody_behind_it(self):
        self.echo.listener.shutdown(socket.SHUT_RDWR)
        self.echo.listener.close()
        with self.assertRaises(ConnectionResetError):
            self.connect().recv(1)  # either of them


if __name__ == "__main__":
    unittest.main()
