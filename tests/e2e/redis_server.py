# SPDX-License-Identifier: MIT
"""A real Redis for a test, with a folder of its own, as a daemon for production would have it."""
import shutil
import socket
import subprocess
import tempfile
import unittest

import harness

DURABLE = ("--appendonly", "yes", "--appendfsync", "everysec", "--maxmemory-policy", "noeviction")


class RedisServer:
    """redis-server on a free port; ended by its process id."""

    def __init__(self, *flags, password=None, port=None):
        program = shutil.which("redis-server")
        if not program:
            raise unittest.SkipTest("no redis-server: deps/install --tests")
        self.port = port or harness.free_port()
        self.password = password
        self.folder = tempfile.mkdtemp(prefix="redis-")
        self.log = open(f"{self.folder}/log", "w+", encoding="utf-8")
        command = [program, "--bind", "127.0.0.1", "--port", str(self.port), "--dir", self.folder,
                   "--save", "", *(flags or DURABLE)]
        command += ["--requirepass", password] if password else []
        self.process = subprocess.Popen(command, stdout=self.log, stderr=subprocess.STDOUT)
        try:
            harness.wait_until(self._is_ready, "redis-server")
        except BaseException:
            self.stop()
            raise

    def _is_ready(self):
        with open(self.log.name, encoding="utf-8") as said:
            text = said.read()
        if self.process.poll() is not None:
            raise AssertionError("redis-server ended:\n" + text)
        return "Ready to accept connections" in text

    @property
    def url(self):
        login = f":{self.password}@" if self.password else ""
        return f"redis://{login}127.0.0.1:{self.port}/0"

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
        self.process.wait(harness.WAIT_S)
        self.log.close()
        shutil.rmtree(self.folder, ignore_errors=True)


class Wire:
    """As much of Redis' protocol as a test needs."""

    def __init__(self, port, password=None):
        self.socket = socket.create_connection(("127.0.0.1", port), 30)
        self.file = self.socket.makefile("rb")
        if password:
            self("AUTH", password)

    def __call__(self, *words):
        out = b"*%d\r\n" % len(words)
        for word in words:
            data = str(word).encode()
            out += b"$%d\r\n%s\r\n" % (len(data), data)
        self.socket.sendall(out)
        return self.read()

    def read(self):
        line = self.file.readline()
        if not line:
            raise ConnectionError("Redis closed the connection")
        kind, rest = line[:1], line[1:-2].decode()
        if kind == b"-":
            raise RuntimeError(rest)
        if kind == b":":
            return int(rest)
        if kind == b"$":
            return None if rest == "-1" else self.file.read(int(rest) + 2)[:-2].decode()
        if kind == b"*":
            return None if rest == "-1" else [self.read() for _ in range(int(rest))]
        return rest

    def close(self):
        self.file.close()
        self.socket.close()
