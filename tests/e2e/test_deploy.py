# SPDX-License-Identifier: MIT
"""conf/: the systemd unit, the environment file, the compose file and the alert rules say what they
mean to the programs that read them."""
import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import unittest
from pathlib import Path

import debian_python

debian_python.need("yaml", "redis")

import redis
import yaml

import harness
from redis_server import RedisServer

CONF = harness.ROOT / "conf"
UNIT = CONF / "tidings.service"
EXPOSURE_MAX = 15  # systemd-analyze's tenths: 1.5


def tool(test, name):
    path = shutil.which(name)
    if not path:
        test.skipTest(f"no {name}: deps/install --tests")
    return path


def run(*command, **more):
    return subprocess.run([str(c) for c in command], capture_output=True, text=True,
                          timeout=harness.WAIT_S, **more)


def unit_lines(key):
    return re.findall(rf"^{key}=(.*)$", UNIT.read_text(), re.MULTILINE)


class Folder(harness.EndToEnd):
    def setUp(self):
        self.folder = Path(tempfile.mkdtemp(prefix="deploy-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)


class Unit(Folder):
    def test_hardened(self):
        done = run(tool(self, "systemd-analyze"), "security", "--offline=true", "--no-pager",
                   f"--threshold={EXPOSURE_MAX}", UNIT)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_systemd_understands_it(self):
        """As installed, but with the program that was built."""
        unit = self.folder / UNIT.name
        unit.write_text(re.sub(r"=tidings ", f"={harness.TIDINGS} ", UNIT.read_text()))
        done = run(tool(self, "systemd-analyze"), "verify", "--man=no", unit)
        # Other units of the machine are none of our business.
        ours = [line for line in done.stderr.splitlines() if UNIT.name in line]
        self.assertEqual(ours, [])

    def test_the_user_is_made(self):
        (self.folder / "etc").mkdir()
        done = run(tool(self, "systemd-sysusers"), f"--root={self.folder}", CONF / "sysusers.conf")
        self.assertEqual(done.returncode, 0, done.stderr)
        user = (self.folder / "etc" / "passwd").read_text().split(":")
        self.assertEqual(user[0], unit_lines("User")[0])
        self.assertEqual(user[5], "/var/lib/" + unit_lines("StateDirectory")[0])
        self.assertIn("nologin", user[6])

    def test_no_exit_code_loops_that_a_restart_cannot_mend(self):
        never = set(unit_lines("RestartPreventExitStatus")[0].split())
        self.assertEqual(never, {"64", "65", "66", "73", "77", "78"})
        self.assertEqual(unit_lines("Restart"), ["on-failure"])
        self.assertTrue(unit_lines("StartLimitBurst"))


class SystemCalls(Folder):
    """What SystemCallFilter lets through holds all that tidings does."""

    def sets(self):
        """{"@name": what it holds} as systemd has them."""
        done = run(tool(self, "systemd-analyze"), "syscall-filter", "--no-pager")
        found, name = {}, None
        for line in done.stdout.splitlines():
            word = line.split("#")[0].strip()
            if re.fullmatch(r"@[a-z-]+", line):
                name = line
                found[name] = set()
            elif name and word:
                found[name].add(word)
        return found

    def expand(self, word, sets):
        if not word.startswith("@"):
            return {word}
        return {"_"}.union(*(self.expand(one, sets) for one in sets[word])) - {"_"}

    def allowed(self):
        sets = self.sets()
        calls = self.expand("@default", sets)
        for line in unit_lines("SystemCallFilter"):
            listed = set().union(*(self.expand(w, sets) for w in line.lstrip("~").split()))
            calls = calls - listed if line.startswith("~") else calls | listed
        return calls

    def trace(self, box, *arguments):
        """Starts tidings under strace; the process and the file."""
        path = self.folder / f"trace-{arguments[0]}"
        command = [tool(self, "strace"), "-f", "-qq", "-o", path, "-e", "signal=none",
                   *box.command(*arguments)]
        running = harness.Running([str(word) for word in command], box.environment, self.folder)
        self.addCleanup(running.end)
        self.addCleanup(self.end_traced, running, path)  # before strace: it would leave it running
        return running, path

    @staticmethod
    def end_traced(running, path):
        if running.has_ended():
            return
        with contextlib.suppress(FileNotFoundError, IndexError, ProcessLookupError):
            os.kill(int(path.read_text().split()[0]), signal.SIGKILL)

    def assert_allowed(self, path, *must):
        used = set(re.findall(r"^\d+ +([a-z_0-9]+)\(", path.read_text(), re.MULTILINE))
        # strace's own execve; and SQLite's fchown, which it leaves out where it is not root.
        used -= {"execve", "fchown"}
        self.assertEqual(set(must) - used, set())
        self.assertEqual(used - self.allowed(), set())

    def setUp(self):
        super().setUp()
        if self.is_sanitized():
            self.skipTest("a sanitizer makes system calls of its own")

    def test_a_broadcast(self):
        box = self.box(self.mock())
        tidings, path = self.trace(box, "broadcast", box.results("r.csv", 50), "--yes")
        self.assert_code(tidings.finish(), 0)
        self.assert_allowed(path, "fdatasync", "connect")

    def test_the_daemon(self):
        server = RedisServer()
        self.addCleanup(server.stop)
        with redis.Redis.from_url(server.url) as client:
            for i in range(20):
                client.xadd("tidings:send", {"to": harness.number(i), "params": '["a","b","c"]'})
            box = self.box(self.mock(), {
                "redis.url": server.url.replace("127.0.0.1", "localhost"),
                "admin.listen": "127.0.0.1:0", "webhook.listen": "off"})
            box.environment["NOTIFY_SOCKET"] = "@nobody-listens-here"
            tidings, path = self.trace(box, "run")
            harness.wait_until(lambda: client.xlen("tidings:result") == 20 or tidings.has_ended(),
                               "results")
        pid = int(path.read_text().split()[0])
        os.kill(pid, signal.SIGHUP)
        tidings.wait_for("Configuration read again")
        os.kill(pid, signal.SIGTERM)
        self.assert_code(tidings.finish(), 0)
        self.assert_allowed(path, "fdatasync", "connect", "bind", "mlock")

    @staticmethod
    def is_sanitized():
        return b"__asan_init" in Path(harness.TIDINGS).read_bytes() or (
            b"__tsan_init" in Path(harness.TIDINGS).read_bytes())


class EnvironmentFile(Folder):
    FILE = CONF / "tidings.env.example"

    def pairs(self, text):
        """Strictly: what systemd, docker and compose all read in the same way."""
        found = {}
        for line in text.splitlines():
            if not line or line.startswith("#"):
                continue
            match = re.fullmatch(r"([A-Z][A-Z0-9_]*)=([^\s\"'$#\\]*)", line)
            self.assertTrue(match, line)
            found[match.group(1)] = match.group(2)
        return found

    def check(self, pairs):
        environment = {**harness.clean_environment(), "STATE_DIRECTORY": str(self.folder),
                       "HOME": str(self.folder), "XDG_CONFIG_HOME": str(self.folder), **pairs}
        done = run(harness.TIDINGS, "check", "--offline", "--json", env=environment)
        return json.loads(done.stdout), done.stderr

    def test_as_it_is_it_is_ready(self):
        answer, said = self.check(self.pairs(self.FILE.read_text()))
        self.assertTrue(answer["valid"], answer)
        self.assertEqual(answer["api_base"], "http://127.0.0.1:8090")
        self.assertEqual(said, "")

    def test_what_is_commented_out_is_known_too(self):
        text = re.sub(r"^#(?=[A-Z_]+=)", "", self.FILE.read_text(), flags=re.MULTILINE)
        _, said = self.check(self.pairs(text))
        self.assertNotIn("TIDINGS_", said)


class Compose(Folder):
    PASSWORD = "aWordForThisTest"

    def setUp(self):
        super().setUp()
        self.compose = yaml.safe_load((CONF / "compose.yaml").read_text())
        self.services = self.compose["services"]

    def test_redis_keeps_what_is_queued(self):
        command = [re.sub(r"\$\{REDIS_PASSWORD[^}]*\}", self.PASSWORD, word)
                   for word in self.services["redis"]["command"]]
        self.assertEqual(command[0], "redis-server")
        server = RedisServer(*command[1:])
        self.addCleanup(server.stop)
        client = redis.Redis(port=server.port, password=self.PASSWORD, decode_responses=True)
        self.addCleanup(client.close)
        for name, value in (("appendonly", "yes"), ("appendfsync", "everysec"),
                            ("maxmemory-policy", "noeviction")):
            self.assertEqual(client.config_get(name), {name: value})
        with self.assertRaises(redis.AuthenticationError):
            redis.Redis(port=server.port).ping()

    def test_graphmock_starts_as_it_says(self):
        command = self.services["graphmock"]["command"]
        self.assertIn("127.0.0.1:8090", command)
        command = ["127.0.0.1:0" if word == "127.0.0.1:8090" else word for word in command]
        process = subprocess.Popen([harness.GRAPHMOCK, "--with-parent", *command],
                                   stdout=subprocess.PIPE, text=True)
        try:
            self.assertIn("listening on http://127.0.0.1:", process.stdout.readline())
        finally:
            process.terminate()
            process.wait(harness.WAIT_S)
            process.stdout.close()

    def test_only_this_machine_reaches_the_ports(self):
        for name, service in self.services.items():
            for port in service.get("ports", []):
                self.assertTrue(port.startswith("127.0.0.1:"), f"{name}: {port}")

    def test_volumes_are_declared(self):
        for service in self.services.values():
            for volume in service.get("volumes", []):
                self.assertIn(volume.split(":")[0], self.compose["volumes"])


class Monitoring(Folder):
    RULES = CONF / "alerts.yml"
    DASHBOARD = CONF / "grafana-dashboard.json"

    def test_the_rules_fire_when_they_should(self):
        done = run(tool(self, "promtool"), "check", "rules", self.RULES)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        done = run("promtool", "test", "rules", harness.ROOT / "tests/e2e/alerts_test.yml")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_the_metrics_exist(self):
        documented = set(re.findall(r"`(tidings_\w+)`", (harness.ROOT / "docs/metrics.md")
                                    .read_text()))
        for path in (self.RULES, self.DASHBOARD):
            used = set(re.findall(r"\b(tidings_[a-z_]+?)(?:_bucket|_sum|_count)?\b",
                                  path.read_text()))
            self.assertTrue(used)
            self.assertEqual(used - documented, set(), path.name)

    def test_prometheus_reads_every_query_of_the_dashboard(self):
        """As recording rules, with Grafana's variables filled in."""
        dashboard = json.loads(self.DASHBOARD.read_text())
        queries = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
        rules = [{"record": f"q:{i}", "expr": query.replace("$job", "j").replace("$instance", "i")}
                 for i, query in enumerate(queries)]
        path = self.folder / "rules.yml"
        path.write_text(yaml.safe_dump({"groups": [{"name": "dashboard", "rules": rules}]}))
        done = run(tool(self, "promtool"), "check", "rules", path)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertIn(f"{len(queries)} rules found", done.stdout)

    def test_every_alert_is_in_the_runbook(self):
        runbook = (harness.ROOT / "docs/operating.md").read_text()
        for alert in re.findall(r"- alert: (\w+)", self.RULES.read_text()):
            self.assertIn(f"| `{alert}` |", runbook)


class RuntimePackages(Folder):
    def test_they_hold_every_library(self):
        """What the image installs is what the programs are linked with."""
        tool(self, "dpkg-query")
        done = run(harness.ROOT / "deps" / "runtime-packages", harness.TIDINGS, harness.GRAPHMOCK)
        self.assertEqual(done.returncode, 0, done.stderr)
        packages = done.stdout.split()
        files = run("dpkg-query", "-L", *packages).stdout
        needed = re.findall(r"\(NEEDED\).*\[(.*)\]",
                            run("readelf", "-d", harness.TIDINGS, harness.GRAPHMOCK).stdout)
        self.assertIn("libcurl.so.4", needed)
        for library in needed:
            self.assertIn(f"/{library}\n", files)


if __name__ == "__main__":
    unittest.main()
