# SPDX-License-Identifier: MIT
"""Real processes for the end-to-end tests: a mock, a folder with configuration, token and ledger,
and tidings itself. Everything started here is ended by process id when the test ends."""
import csv
import http.client
import json
import os
import re
import shutil
import signal
import ssl
import subprocess
import tempfile
import time
import unittest
from pathlib import Path

TIDINGS = os.environ.get("TIDINGS", "build/release/tidings")
GRAPHMOCK = os.environ.get("GRAPHMOCK", "build/release/bench/graphmock")
TOKEN = "EAAtestTokenThatIsNoneAtAll0000000000xyz"
PHONE_ID = "915988834937783"
WABA_ID = "2049886399146120"
WAIT_S = 120  # the most that anything may take here; nothing is asserted about time


def wait_until(condition, what):
    """Waits for an event that has no handle to wait on."""
    end = time.monotonic() + WAIT_S
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.01)
    raise AssertionError("waited in vain for " + what)


def clean_environment():
    names = ("WHATSAPP_", "TIDINGS_", "WABA_ID", "CREDENTIALS_DIRECTORY", "STATE_DIRECTORY")
    environment = {k: v for k, v in os.environ.items() if not k.startswith(names)}
    environment["NO_COLOR"] = "1"
    return environment


class Mock:
    """graphmock on a free port."""

    def __init__(self, *flags, tls=True, listen="127.0.0.1:0"):
        self.tls = tls
        self.folder = tempfile.mkdtemp(prefix="mock-")
        command = [GRAPHMOCK, "--with-parent", "--listen", listen, "--tls-dir", self.folder]
        command += ([] if tls else ["--plain"]) + list(flags)
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self.url, self.ca = self._read_addresses()
        self.port = int(self.url.rsplit(":", 1)[1])

    def _read_addresses(self):
        url = ca = None
        for line in self.process.stdout:
            if line.startswith("listening on "):
                url = line.split(" ", 2)[2].strip()
            if line.startswith("ca certificate: "):
                ca = line.split(": ", 1)[1].strip()
            if url and (ca or not self.tls):
                return url, ca
        raise AssertionError("graphmock did not start")

    def call(self, method, path):
        if self.tls:
            context = ssl.create_default_context(cafile=self.ca)
            connection = http.client.HTTPSConnection("127.0.0.1", self.port, context=context)
        else:
            connection = http.client.HTTPConnection("127.0.0.1", self.port)
        connection.request(method, path)
        body = connection.getresponse().read()
        connection.close()
        return json.loads(body) if body.strip() else None

    def stats(self):
        return self.call("GET", "/_mock/stats")

    def messages(self):
        """What was received, by recipient: {to: {"accepted": n, "received": n, ...}}."""
        answer = self.call("GET", "/_mock/messages?limit=1000000")
        rows = answer["messages"] if isinstance(answer, dict) else answer
        return {row["to"]: row for row in rows}

    def reset(self):
        self.call("POST", "/_mock/reset")

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
        self.process.wait(WAIT_S)
        self.process.stdout.close()
        shutil.rmtree(self.folder, ignore_errors=True)


class Result:
    def __init__(self, code, out, err):
        self.code, self.out, self.err = code, out, err

    def __repr__(self):
        return f"exit {self.code}\n--- out\n{self.out}\n--- err\n{self.err}"


class Box:
    """A folder of one installation."""

    def __init__(self, mock=None, settings=None, seal=True):
        self.folder = Path(tempfile.mkdtemp(prefix="box-"))
        self.config = self.folder / "tidings.conf"
        self.ledger = self.folder / "state" / "ledger.db"
        self.environment = clean_environment()
        self.settings = {
            "whatsapp.phone_id": PHONE_ID,
            "whatsapp.waba_id": WABA_ID,
            "token.file": self.folder / "token",
            "token.key_file": self.folder / "key",
            "ledger.path": self.ledger,
            "rate.messages_per_second": "unlimited",
            "http.max_in_flight": "32",
            "log.level": "info",
        }
        if mock:
            self.settings["whatsapp.api_base"] = mock.url
            if mock.ca:
                self.settings["whatsapp.ca_file"] = mock.ca
        self.settings.update(settings or {})
        self.write_config()
        if seal:
            assert self.run("token", "keygen").code == 0
            sealed = self.run("token", "seal", stdin=TOKEN)
            assert sealed.code == 0, sealed

    def write_config(self):
        sections = {}
        for name, value in self.settings.items():
            section, key = name.split(".", 1)
            sections.setdefault(section, []).append(f"{key} = {value}")
        text = "".join(f"[{s}]\n" + "\n".join(keys) + "\n" for s, keys in sections.items())
        self.config.write_text(text)

    def set(self, **changes):
        self.settings.update({k.replace("__", "."): v for k, v in changes.items()})
        self.write_config()

    def command(self, *arguments):
        return [TIDINGS, str(arguments[0]), "--config", str(self.config)] + [
            str(a) for a in arguments[1:]]

    def start(self, *arguments, **kwargs):
        return subprocess.Popen(self.command(*arguments), stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                env=self.environment, cwd=self.folder, **kwargs)

    def run(self, *arguments, stdin="", env=None):
        environment = dict(self.environment, **(env or {}))
        done = subprocess.run(self.command(*arguments), input=stdin, capture_output=True,
                              text=True, env=environment, cwd=self.folder, timeout=WAIT_S * 5)
        return Result(done.returncode, done.stdout, done.stderr)

    def log(self, *flags):
        """The ledger's rows, as `log --json` gives them."""
        result = self.run("log", "--json", "--all", *flags)
        assert result.code == 0, result
        return [json.loads(line) for line in result.out.splitlines()]

    def states(self, *flags):
        return {row["to"]: row for row in self.log(*flags)}

    def write_csv(self, name, rows, columns=None):
        path = self.folder / name
        with path.open("w", newline="", encoding="utf-8") as out:
            writer = csv.DictWriter(out, columns or list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
        return path

    def results(self, name, count, first=0, **more):
        rows = [dict({"to": number(i), "educator_name": f"Educator {i}",
                      "test_name": "Physics", "dashboard_url": f"https://exam.example/r/{i}",
                      "class_id": f"C{i % 3}", "test_num": "7"}, **more)
                for i in range(first, first + count)]
        return self.write_csv(name, rows)

    def close(self):
        shutil.rmtree(self.folder, ignore_errors=True)


def number(i):
    return f"+9198{i:08d}"


class EndToEnd(unittest.TestCase):
    """Helpers that end what they start."""

    def mock(self, *flags, **kwargs):
        mock = Mock(*flags, **kwargs)
        self.addCleanup(mock.stop)
        return mock

    def box(self, mock=None, settings=None, **kwargs):
        box = Box(mock, settings, **kwargs)
        self.addCleanup(box.close)
        return box

    def start(self, box, *arguments, **kwargs):
        process = box.start(*arguments, **kwargs)
        self.addCleanup(self._end, process)
        return process

    @staticmethod
    def _end(process):
        if process.poll() is None:
            process.kill()
        process.wait(WAIT_S)
        for stream in (process.stdout, process.stderr):
            if stream:
                stream.close()

    def assert_code(self, result, code):
        self.assertEqual(result.code, code, result)

    def assert_each_once(self, mock, box, count):
        """Every message accepted exactly once by the mock, and accepted in the ledger."""
        self.assertEqual(mock.stats()["accepted"], count)
        self.assert_never_twice(mock)
        rows = box.log()
        self.assertEqual(len(rows), count)
        self.assertEqual({r["state"] for r in rows}, {"accepted"})

    def assert_never_twice(self, mock):
        twice = {to: m for to, m in mock.messages().items() if m.get("accepted", 1) > 1}
        self.assertEqual(twice, {})
