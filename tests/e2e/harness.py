# SPDX-License-Identifier: MIT
"""Real processes for the end-to-end tests: a mock, a folder with configuration, token and ledger,
and tidings itself. Everything started here is ended by process id when the test ends."""
import collections
import contextlib
import csv
import http.client
import json
import os
import re
import shutil
import socket
import ssl
import subprocess
import tempfile
import time
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TIDINGS = os.path.abspath(os.environ.get("TIDINGS", ROOT / "build/release/tidings"))
GRAPHMOCK = os.path.abspath(os.environ.get("GRAPHMOCK", ROOT / "build/release/bench/graphmock"))
TOKEN = "EAAtestTokenThatIsNoneAtAll0000000000xyz"
PHONE_ID = "915988834937783"
WABA_ID = "2049886399146120"
FAKETIME = Path("/usr/lib", os.uname().machine + "-linux-gnu", "faketime", "libfaketimeMT.so.1")
SANITIZED = b"__asan_init" in Path(TIDINGS).read_bytes()
WAIT_S = 120  # the most that anything may take here; nothing is asserted about time


def at_another_time(shift):
    """The environment of a process whose wall clock is off by that ("-2h"); the monotonic one is not."""
    return {"LD_PRELOAD": str(FAKETIME), "FAKETIME": shift, "DONT_FAKE_MONOTONIC": "1"}


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
    # LeakSanitizer cannot look into a process that keeps its memory from others, as tidings does.
    environment["ASAN_OPTIONS"] = environment.get("ASAN_OPTIONS", "") + ":detect_leaks=0"
    return environment


def free_port():
    """A port that nothing listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Mock:
    """graphmock on a free port."""

    def __init__(self, *flags, tls=True, listen="127.0.0.1:0", faults=()):
        self.tls = tls
        self.folder = tempfile.mkdtemp(prefix="mock-")
        command = [GRAPHMOCK, "--with-parent", "--listen", listen, "--tls-dir", self.folder]
        command += ([] if tls else ["--plain"]) + [str(flag) for flag in flags]
        command += [flag for fault in faults for flag in ("--fault", fault)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True,
                                        env=clean_environment())
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
        return body.decode()

    def stats(self):
        """Sends are `received` (Graph looked at them) or `lost` (a fault took them unread);
        `accepted_again` counts messages that were accepted more than once."""
        return json.loads(self.call("GET", "/_mock/stats"))

    def messages(self):
        """What was accepted, by recipient: {to: {"accepted": n, "received": n, ...}}."""
        rows = json.loads(self.call("GET", "/_mock/messages?limit=1000000"))
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
        err = "\n".join(line for line in self.err.splitlines() if " INFO " not in line)
        return f"exit {self.code}\n--- out\n{self.out[-4000:]}\n--- err\n{err[-4000:]}"


class Running:
    """tidings at work. What it says goes into files: a pipe that nobody reads would stop it."""

    def __init__(self, command, environment, folder):
        self.folder = tempfile.mkdtemp(prefix="running-", dir=folder)
        self.files = [Path(self.folder, name) for name in ("out", "err")]
        with self.files[0].open("w") as out, self.files[1].open("w") as err:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out,
                                            stderr=err, env=environment, cwd=folder)
        self.pid = self.process.pid

    def err(self):
        return self.files[1].read_text()

    def wait_for(self, text):
        """Until it has said so on standard error."""
        wait_until(lambda: text in self.err() or self.has_ended(), f"'{text}'")
        if text not in self.err():
            raise AssertionError(f"it ended without '{text}':\n{self.err()}")

    def has_ended(self):
        return self.process.poll() is not None

    def signal(self, number):
        self.process.send_signal(number)

    def finish(self):
        code = self.process.wait(WAIT_S)
        return Result(code, self.files[0].read_text(), self.err())

    def wait_at_most(self, seconds):
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(seconds)

    def end_after(self, seconds):
        """kill -9 after that time, if it has not ended by itself."""
        self.wait_at_most(seconds)
        self.end()

    def end(self):
        if not self.has_ended():
            self.process.kill()
        self.process.wait(WAIT_S)


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
        self.settings.update(settings or {})
        self.write_config()
        if mock:
            self.talk_to(mock)
        if seal:
            self.seal()

    def seal(self):
        try:
            for arguments in (("keygen",), ("seal",)):
                done = self.run("token", *arguments, stdin=TOKEN)
                assert done.code == 0, done
        except BaseException:
            self.close()
            raise

    def write_config(self):
        sections = {}
        for name, value in self.settings.items():
            section, key = name.split(".", 1)
            sections.setdefault(section, []).append(f"{key} = {value}")
        text = "".join(f"[{s}]\n" + "\n".join(keys) + "\n" for s, keys in sections.items())
        self.config.write_text(text)

    def talk_to(self, mock):
        self.settings["whatsapp.api_base"] = mock.url
        if mock.ca:
            self.settings["whatsapp.ca_file"] = mock.ca
        self.write_config()

    def set(self, changes):
        self.settings.update(changes)
        self.write_config()

    def command(self, *arguments, program=TIDINGS):
        return [program, str(arguments[0]), "--config", str(self.config)] + [
            str(a) for a in arguments[1:]]

    def start(self, *arguments, env=None, program=TIDINGS):
        environment = dict(self.environment, **(env or {}))
        return Running(self.command(*arguments, program=program), environment, self.folder)

    def run(self, *arguments, stdin="", env=None, program=TIDINGS):
        environment = dict(self.environment, **(env or {}))
        done = subprocess.run(self.command(*arguments, program=program), input=stdin, capture_output=True,
                              text=True, env=environment, cwd=self.folder, timeout=WAIT_S * 5)
        return Result(done.returncode, done.stdout, done.stderr)

    def log(self, *flags, program=TIDINGS):
        """The ledger's rows, as `log --json` gives them."""
        result = self.run("log", "--json", "--all", *flags, program=program)
        assert result.code == 0, result
        return [json.loads(line) for line in result.out.splitlines()]

    def states(self, *flags):
        return {row["to"]: row for row in self.log(*flags)}

    def ask(self, question):
        """What is answered over the control socket: to an object, or to a line as it is."""
        line = question if isinstance(question, str) else json.dumps(question)
        with socket.socket(socket.AF_UNIX) as peer, peer.makefile("r") as answers:
            peer.settimeout(WAIT_S)
            peer.connect(str(self.ledger) + ".sock")
            peer.sendall(line.encode() + b"\n")
            return json.loads(answers.readline())

    def write_csv(self, name, rows, columns=None):
        path = self.folder / name
        with path.open("w", newline="", encoding="utf-8") as out:
            writer = csv.DictWriter(out, columns or list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
        return path

    def results(self, name, count, first=0, **more):
        """A file of that many results, to number(first) and on."""
        rows = [dict({"to": number(i), "educator_name": f"Educator {i}",
                      "test_name": "Physics", "dashboard_url": f"https://exam.example/r/{i}",
                      "class_id": f"C{i % 3}", "test_num": "7"}, **more)
                for i in range(first, first + count)]
        return self.write_csv(name, rows)

    def close(self):
        shutil.rmtree(self.folder, ignore_errors=True)


def number(i):
    return f"+9198{i:08d}"


def skipped(err, reason):
    """The ids of the log's lines about messages that were skipped for that reason."""
    return sorted(re.findall(rf" INFO 🚫 .*: never sent id=(\S+) reason={reason}\n", err))


def count_states(rows):
    return dict(collections.Counter(row["state"] for row in rows))


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
        running = box.start(*arguments, **kwargs)
        self.addCleanup(running.end)
        return running

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
        twice = {to: m for to, m in mock.messages().items() if m["accepted"] > 1}
        self.assertEqual(twice, {})
