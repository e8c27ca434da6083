# SPDX-License-Identifier: MIT
"""`tidings run` under fire: kill -9 of the daemon and of Redis at random moments, a bad network
between them, streams and groups that go away, rights that are taken. Every id is accepted exactly
once or listed as unknown, nothing that was read is lost, and the daemon still works afterwards.
TIDINGS_KILLS=N kills of the daemon (20), TIDINGS_REDIS_KILLS=N of Redis (5); TIDINGS_SEED."""
import os
import random
import re
import signal
import subprocess
import time
import unittest
from pathlib import Path

from fault_proxy import FaultProxy
from harness import TIDINGS, WAIT_S, EndToEnd, count_states, number, wait_until
from redis_server import RedisServer, Wire

KILLS = int(os.environ.get("TIDINGS_KILLS", "20"))
REDIS_KILLS = int(os.environ.get("TIDINGS_REDIS_KILLS", "5"))
SEED = int(os.environ.get("TIDINGS_SEED", random.randrange(1 << 32)))
IN_FLIGHT = 8
RATE = 200
AHEAD = 1 + RATE * 50 // 1000
STREAM = "tidings:send"
SANITIZED = b"__asan_init" in Path(TIDINGS).read_bytes()
DURABLE = ("--appendonly", "yes", "--appendfsync", "always")


class Fire(EndToEnd):
    def setUp(self):
        self.random = random.Random(SEED)
        self.added = 0

    def install(self, *flags, latency="5-30", settings=None, through_proxy=False, password=None):
        self.redis = RedisServer(*(flags or DURABLE), password=password)
        self.addCleanup(self.redis.stop)
        self.proxy = None
        port = self.redis.port
        if through_proxy:
            self.proxy = FaultProxy(self.redis.port)
            self.addCleanup(self.proxy.close)
            port = self.proxy.port
        self.server = self.mock("--latency", latency)
        self.installation = self.box(self.server, {
            "redis.url": f"redis://127.0.0.1:{port}/0", "admin.listen": "off",
            "http.max_in_flight": str(IN_FLIGHT), "rate.messages_per_second": str(RATE),
            "retry.base_ms": "20", "retry.max_ms": "100", **(settings or {})})
        self.password = password

    def ask(self, *words):
        wire = Wire(self.redis.port, self.password)
        try:
            return wire(*words)
        finally:
            wire.close()

    def add(self, count):
        wire = Wire(self.redis.port, self.password)
        for _ in range(count):
            i = self.added
            wire("XADD", STREAM, "*", "to", number(i), "id", f"m{i}", "params",
                 f'["Educator {i}","Physics","https://exam.example/r/{i}"]')
            self.added += 1
        wire.close()

    def run_daemon(self):
        return self.start(self.installation, "run")

    def pending(self):
        try:
            return self.ask("XPENDING", STREAM, "tidings")[0]
        except RuntimeError as error:
            if "NOGROUP" in str(error):
                return 0
            raise

    def known(self):
        """Messages on record that are finished, without asking tidings: it is at work."""
        return count_states(self.installation.log("--all"))

    def wait_until_done(self, daemon, count):
        """Everything that was added is on record and acknowledged."""
        def done():
            if daemon.has_ended():
                raise AssertionError(f"seed {SEED}: the daemon ended: {daemon.finish()}")
            if self.pending():
                return False
            states = self.known()
            return states.get("accepted", 0) + states.get("unknown", 0) == count
        wait_until(done, f"{count} finished messages; seed {SEED}")

    def stop(self, daemon):
        daemon.signal(signal.SIGTERM)
        result = daemon.finish()
        self.assertEqual(result.code, 0, f"seed {SEED}: {result}")

    def check(self, count, most_unknown):
        where = f"seed {SEED}"
        rows = self.installation.states()
        accepted, stats = self.server.messages(), self.server.stats()
        states = count_states(rows.values())
        self.assertEqual(set(rows), {number(i) for i in range(count)}, where)
        self.assertLessEqual(set(states), {"accepted", "unknown"}, where)
        self.assertEqual((stats["accepted_again"], stats["received_again"]), (0, 0), where)
        known = {to for to, row in rows.items() if row["state"] == "accepted"}
        self.assertLessEqual(known, set(accepted), where)
        self.assertLessEqual(states.get("unknown", 0), most_unknown, where)

    def assert_works(self, daemon):
        """One more message goes through."""
        before = self.added
        self.add(1)
        wait_until(lambda: number(before) in self.server.messages() or daemon.has_ended(),
                   "one more message")
        self.assertFalse(daemon.has_ended(), daemon.err()[-3000:] if daemon.has_ended() else "")

    def assert_small(self, daemon):
        status = Path(f"/proc/{daemon.pid}/status").read_text()
        kib = int(next(line.split()[1] for line in status.splitlines() if "VmRSS" in line))
        if not SANITIZED:
            self.assertLess(kib, 100 * 1024)


class Kills(Fire):
    def test_of_the_daemon(self):
        self.install()
        for _ in range(KILLS):
            self.add(self.random.randint(10, 50))
            daemon = self.run_daemon()
            goal = self.server.stats()["received"] + self.random.randint(1, 40)
            wait_until(lambda: self.server.stats()["received"] >= goal or daemon.has_ended() or
                       self.everything_is_out(), "some sends")
            daemon.end_after(self.random.uniform(0, 0.05))
        daemon = self.run_daemon()
        self.wait_until_done(daemon, self.added)
        self.assert_works(daemon)
        self.stop(daemon)
        self.check(self.added, KILLS * (IN_FLIGHT + AHEAD))

    def everything_is_out(self):
        """Also where a kill took intents that were never sent: the server does not see those."""
        return self.server.stats()["messages"] == self.added or \
            (self.pending() == 0 and self.recorded() == self.added)

    def recorded(self):
        """The ledger's messages; none while the daemon is still on its way to the first."""
        result = self.installation.run("log", "--json", "--all")
        self.assertIn(result.code, (0, 66), result)  # 66: nothing was ever recorded
        return len(result.out.splitlines())

    def test_of_redis(self):
        self.install()
        daemon = self.run_daemon()
        for _ in range(REDIS_KILLS):
            self.add(60)
            goal = self.server.stats()["received"] + self.random.randint(1, 40)
            wait_until(lambda: self.server.stats()["received"] >= goal or daemon.has_ended() or
                       self.everything_is_out(), "some sends")
            time.sleep(self.random.uniform(0, 0.05))
            self.redis.process.kill()
            self.redis.process.wait(WAIT_S)
            time.sleep(self.random.uniform(0, 0.3))
            self.start_redis_again()
        self.wait_until_done(daemon, self.added)
        self.assert_works(daemon)
        self.assert_small(daemon)
        self.stop(daemon)
        self.check(self.added, 0)

    def start_redis_again(self):
        self.redis.process = subprocess.Popen(self.redis.process.args, stdout=self.redis.log,
                                              stderr=subprocess.STDOUT)

        def answers():
            try:
                return self.ask("PING") == "PONG"
            except (OSError, RuntimeError):  # not yet; or it loads
                return False
        wait_until(answers, "Redis again")


class Network(Fire):
    def test_faults_between_redis_and_the_daemon(self):
        self.install(through_proxy=True)
        daemon = self.run_daemon()
        proxy, draw = self.proxy, self.random
        faults = [
            proxy.reset_all,
            lambda: (proxy.refuse(), time.sleep(draw.uniform(0, 0.3)), proxy.listen()),
            lambda: proxy.down.set(latency=draw.uniform(0, 0.2)),
            lambda: proxy.up.set(latency=draw.uniform(0, 0.2)),
            lambda: proxy.down.set(reset_after=draw.randint(1, 5000)),
            lambda: proxy.up.set(reset_after=draw.randint(1, 5000)),
            lambda: proxy.down.set(limit=draw.randint(1, 5000)),
            lambda: proxy.down.set(dribble=0.0001),
            lambda: proxy.up.set(dribble=0.0001),
        ]
        for _ in range(3 * len(faults)):
            self.add(20)
            draw.choice(faults)()
            time.sleep(draw.uniform(0, 0.2))  # it lasts that long
            proxy.heal()
        proxy.reset_all()  # what dribbles still
        self.wait_until_done(daemon, self.added)
        self.assert_works(daemon)
        self.assert_small(daemon)
        self.stop(daemon)
        self.check(self.added, 0)

    def test_half_open(self):
        """Redis is there, but nothing comes through any more: noticed, and begun anew."""
        self.install(through_proxy=True)
        daemon = self.run_daemon()
        self.assert_works(daemon)
        self.proxy.up.set(swallow=True)
        self.proxy.down.set(swallow=True)
        before = self.proxy.connections
        self.add(20)
        wait_until(lambda: self.proxy.connections > before or daemon.has_ended(),
                   "another connection to Redis")
        self.proxy.heal()
        self.wait_until_done(daemon, self.added)
        self.stop(daemon)
        self.check(self.added, 0)


class Meddling(Fire):
    """What an operator's hand, or another program, does to the stream."""

    def with_daemon(self, *actions, **more):
        """The daemon is idle and blocked; then these; then it works as before."""
        self.install(**more)
        daemon = self.run_daemon()
        self.assert_works(daemon)
        wait_until(lambda: self.pending() == 0, "the acknowledgement")
        for action in actions:
            self.ask(*action)
            self.assert_works(daemon)
        self.wait_until_done(daemon, self.added)
        self.assert_small(daemon)
        self.stop(daemon)
        self.check(self.added, 0)

    def test_flushall(self):
        self.with_daemon(("FLUSHALL",))

    def test_group_destroyed(self):
        self.with_daemon(("XGROUP", "DESTROY", STREAM, "tidings"))

    def test_stream_deleted(self):
        self.with_daemon(("DEL", STREAM))

    def test_all_of_them(self):
        self.with_daemon(("DEL", STREAM), ("FLUSHALL",), ("XGROUP", "DESTROY", STREAM, "tidings"),
                         ("CLIENT", "KILL", "TYPE", "normal"), ("SCRIPT", "FLUSH"))

    def test_trimmed_while_pending(self):
        """What was read is sent, all of it; what was not is gone, and stops nobody."""
        self.install(latency="500")
        self.add(30)
        daemon = self.run_daemon()
        wait_until(lambda: self.server.stats()["received"] > 0 or daemon.has_ended(), "a send")
        self.ask("XTRIM", STREAM, "MAXLEN", "0")
        read = self.ask("XINFO", "GROUPS", STREAM)[0][9]  # entries-read
        self.assertGreater(read, 0)
        self.assert_works(daemon)
        wait_until(lambda: self.pending() == 0, "the last acknowledgement")
        self.stop(daemon)
        rows = self.installation.states()
        self.assertEqual(self.server.stats()["accepted_again"], 0)
        self.assertEqual(set(count_states(rows.values())), {"accepted"})
        self.assertLessEqual({number(i) for i in range(read)} | {number(30)}, set(rows))

    def test_a_wrong_password_at_the_start(self):
        self.install(password="right")
        result = self.run_daemon().finish()
        self.assert_code(result, 77)
        self.assertIn(f"Redis 127.0.0.1:{self.redis.port}: NOAUTH", result.err)
        self.assertNotIn("right", result.err)

    def test_the_password_changes(self):
        """While it runs, it never gives up."""
        self.install()
        daemon = self.run_daemon()
        self.assert_works(daemon)
        self.ask("CONFIG", "SET", "requirepass", "other")
        self.password = "other"
        self.ask("CLIENT", "KILL", "TYPE", "normal")
        said = re.compile(rf"Redis 127\.0\.0\.1:{self.redis.port}: .*NOAUTH")
        wait_until(lambda: said.search(daemon.err()) or daemon.has_ended(), "the refusal")
        self.add(5)
        self.ask("CONFIG", "SET", "requirepass", "")
        self.password = None
        self.assert_works(daemon)
        self.wait_until_done(daemon, self.added)
        self.stop(daemon)
        self.check(self.added, 0)

    def test_rights_taken_away(self):
        self.install()
        daemon = self.run_daemon()
        self.assert_works(daemon)
        self.ask("ACL", "SETUSER", "default", "-xreadgroup", "-xack", "-xtrim", "-multi")
        wait_until(lambda: "NOPERM" in daemon.err() or daemon.has_ended(), "the missing right")
        self.add(5)
        self.ask("ACL", "SETUSER", "default", "+@all")
        self.assert_works(daemon)
        self.wait_until_done(daemon, self.added)
        self.stop(daemon)
        self.check(self.added, 0)


if __name__ == "__main__":
    unittest.main()
