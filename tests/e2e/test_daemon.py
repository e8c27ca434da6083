# SPDX-License-Identifier: MIT
"""`tidings run` as it should be: what it reads, acknowledges and tells, what it takes over, what an
operator can do to it while it runs."""
import collections
import json
import signal
import socket
import unittest
import urllib.error
import urllib.request
from pathlib import Path

from daemon_box import fields
from harness import (PHONE_ID, TOKEN, EndToEnd, count_states, free_port, number, skipped,
                     wait_until)
from redis_server import RedisServer, Wire

STREAM, GROUP = "tidings:send", "tidings"


class Daemon(EndToEnd):
    def install(self, *flags, settings=None, faults=(), tls=True):
        self.redis = RedisServer()
        self.addCleanup(self.redis.stop)
        self.server = self.mock(*flags, faults=faults, tls=tls)
        self.installation = self.box(self.server, dict({
            "redis.url": self.redis.url, "admin.listen": "off", "retry.base_ms": "20",
            "retry.max_ms": "100"}, **(settings or {})))
        self.wire = Wire(self.redis.port)
        self.addCleanup(self.wire.close)

    def add(self, i, stream=STREAM, **more):
        words = {"to": number(i), "params": f'["Educator {i}","Physics","https://exam.example/{i}"]'}
        words.update(more)
        return self.wire("XADD", stream, "*", *(x for pair in words.items() for x in pair))

    def run_daemon(self, state="running"):
        daemon = self.start(self.installation, "run")
        daemon.wait_for(f"state={state}")
        return daemon

    def stop(self, daemon, code=0):
        daemon.signal(signal.SIGTERM)
        self.assert_code(daemon.finish(), code)

    def results(self, name="result"):
        return [fields(e) for e in self.wire("XRANGE", f"tidings:{name}", "-", "+") or []]

    def wait_for_results(self, count, name="result"):
        wait_until(lambda: len(self.results(name)) >= count, f"{count} entries on {name}")
        return self.results(name)

    def pending(self, stream=STREAM):
        return self.wire("XPENDING", stream, GROUP)[0]

    def wait_until_acked(self, stream=STREAM):
        wait_until(lambda: self.pending(stream) == 0, "acknowledgements")

    def address(self, daemon):
        daemon.wait_for("Admin port")
        line = next(x for x in daemon.err().splitlines() if "Admin port" in x)
        return "http://" + line.split("address=")[1].strip()

    def get(self, url):
        try:
            with urllib.request.urlopen(url) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def status(self):
        result = self.installation.run("status", "--json")
        self.assert_code(result, 0)
        return json.loads(result.out)


class Cancelling(Daemon):
    """Without a name: everything."""

    def cancel(self):
        result = self.installation.run("cancel", "--yes")
        self.assert_code(result, 0)
        return result.out

    def by_state(self, results):
        return collections.Counter(f"{r['state']}/{r['reason']}" for r in results)

    def test_what_waits_in_the_streams_is_skipped_for_good(self):
        self.install()
        daemon = self.run_daemon()
        self.assert_code(self.installation.run("pause"), 0)
        for i in range(300):
            self.add(i, stream=STREAM if i % 3 else STREAM + ":high")
        said = self.cancel()
        self.assertIn("entries that wait in the streams are skipped", said)
        daemon.signal(signal.SIGKILL)
        daemon.finish()
        daemon = self.run_daemon(state="paused")
        for i in range(300, 305):
            self.add(i)
        self.assert_code(self.installation.run("resume"), 0)
        results = self.wait_for_results(305)
        self.wait_until_acked()
        self.assertEqual(self.by_state(results), {"skipped/cancelled": 300, "accepted/": 5})
        self.stop(daemon)
        self.assertEqual(self.server.stats()["accepted"], 5)

    def test_while_it_sends(self):
        self.install(settings={"rate.messages_per_second": "20"})
        for i in range(200):
            self.add(i)
        daemon = self.run_daemon()
        self.wait_for_results(5)
        self.cancel()
        results = self.wait_for_results(200)
        self.wait_until_acked()
        self.add(200)
        results = self.wait_for_results(201)
        self.stop(daemon)
        seen = self.by_state(results)
        self.assertEqual(set(seen), {"skipped/cancelled", "accepted/"})
        self.assertEqual(seen["accepted/"], self.server.stats()["accepted"])
        self.assertEqual(results[-1]["state"], "accepted")
        self.assertEqual(len({r["id"] for r in results}), 201)

    def test_without_redis_it_says_so(self):
        self.install()
        daemon = self.run_daemon()
        self.redis.stop()
        wait_until(lambda: self.status()["redis"]["state"] != "reading", "Redis to be missed")
        self.assertIn("Redis does not answer", self.cancel())
        self.stop(daemon)


class Consuming(Daemon):
    def test_each_entry_once_with_a_result(self):
        self.install()
        for i in range(50):
            self.add(i, ref=f"row {i}", class_id="A1", test_num="1")
        daemon = self.run_daemon()
        results = self.wait_for_results(50)
        self.wait_until_acked()
        self.assertEqual({r["ref"] for r in results}, {f"row {i}" for i in range(50)})
        self.assertEqual({r["state"] for r in results}, {"accepted"})
        self.assertEqual(list(results[0]), ["id", "ref", "to", "class_id", "test_num", "broadcast",
                                            "state", "reason", "wamid", "code", "error",
                                            "attempts", "at"])
        self.stop(daemon)
        self.assert_each_once(self.server, self.installation, 50)

    def test_finished_entries_are_trimmed_unless_another_group_reads_them(self):
        self.install()
        for i in range(300):
            self.add(i)
        daemon = self.run_daemon()
        wait_until(lambda: self.wire("XLEN", STREAM) < 200, "the stream to be trimmed")
        self.wire("XGROUP", "CREATE", STREAM, "audit", "0")
        for i in range(300, 600):
            self.add(i)
        self.wait_for_results(600)
        daemon.wait_for("read by another group")
        self.assertGreaterEqual(self.wire("XLEN", STREAM), 300)
        self.stop(daemon)

    def test_the_high_stream_goes_first(self):
        self.install(settings={"rate.messages_per_second": "50"})
        for i in range(100):
            self.add(i)
        for i in range(100, 105):
            self.add(i, stream=STREAM + ":high")
        daemon = self.run_daemon()
        results = self.wait_for_results(105)
        self.stop(daemon)
        urgent = [i for i, r in enumerate(results) if r["to"] >= number(100)]
        self.assertLess(max(urgent), 60, "high entries overtake what was added before them")

    def test_a_bad_entry_is_dead_and_stops_nobody(self):
        self.install()
        self.wire("XADD", STREAM, "*", "to", "not a number", "params", '["a","b","c"]')
        self.wire("XADD", STREAM, "*", "nonsense", "x")
        self.add(1)
        daemon = self.run_daemon()
        self.wait_for_results(1)
        dead = self.wait_for_results(2, "dead")
        self.wait_until_acked()
        self.stop(daemon)
        self.assertIn("E.164", dead[0]["reason"])
        self.assertEqual(dead[1]["nonsense"], "x")
        self.assertRegex(dead[0]["entry"], r"^\d+-\d+$")

    def test_the_same_id_again_is_told_again_and_never_sent(self):
        self.install()
        self.add(1, id="once")
        daemon = self.run_daemon()
        self.wait_for_results(1)
        self.add(1, id="once")
        self.add(2, id="once")
        results = self.wait_for_results(2)
        dead = self.wait_for_results(1, "dead")
        self.wait_until_acked()
        self.stop(daemon)
        self.assertEqual([r["wamid"] for r in results], [results[0]["wamid"]] * 2)
        self.assertEqual(dead[0]["reason"], "id_reused")
        self.assertEqual(self.server.stats()["accepted"], 1)

    def test_what_is_skipped_leaves_a_line(self):
        self.install()
        daemon = self.run_daemon()
        self.assert_code(self.installation.run("cancel", "off", "--yes"), 0)
        self.add(1, id="late", expires_at="2020-01-01T00:00:00Z")
        self.add(2, id="off", broadcast="off")
        self.add(3, id="good")
        results = self.wait_for_results(3)
        self.wait_until_acked()
        self.stop(daemon)
        self.assertEqual({r["id"]: r["reason"] for r in results},
                         {"late": "expired", "off": "cancelled", "good": ""})
        self.assertEqual(skipped(daemon.err(), "expired"), ["late"])
        self.assertEqual(skipped(daemon.err(), "cancelled"), ["off"])

    def test_refused_for_a_time_waits_in_the_ledger_not_in_redis(self):
        self.install(settings={"retry.base_ms": "3600000", "retry.max_ms": "3600000"},
                     faults=[f"code=2@to{number(7)}"])
        self.add(7)
        self.add(8)
        daemon = self.run_daemon()
        self.wait_for_results(1)
        self.wait_until_acked()
        self.assertEqual(self.installation.states()[number(7)]["state"], "waiting")
        self.assertEqual([r["to"] for r in self.results()], [number(8)])
        self.stop(daemon)

    def test_what_waits_goes_on_after_a_restart(self):
        self.install(settings={"retry.base_ms": "500", "retry.max_ms": "500"},
                     faults=[f"code=2@to{number(7)}@try1"])
        self.add(7)
        daemon = self.run_daemon()
        self.wait_until_acked()
        self.stop(daemon)
        daemon = self.run_daemon()
        results = self.wait_for_results(1)
        self.stop(daemon)
        self.assertEqual(results[0]["state"], "accepted")
        # An intent that the stop took back is an attempt on record, too: requests are the proof.
        self.assertEqual(self.server.stats()["requests"], 2)


class WhoseIsWhat(Daemon):
    def test_own_pending_entries_come_first_under_a_name_that_stays(self):
        self.install(settings={"redis.consumer": "first"})
        daemon = self.run_daemon()
        self.stop(daemon)
        self.add(1)
        self.wire("XREADGROUP", "GROUP", GROUP, "first", "STREAMS", STREAM, ">")
        self.installation.set({"redis.consumer": "second"})
        daemon = self.run_daemon()
        self.wait_for_results(1)
        self.wait_until_acked()
        self.stop(daemon)
        self.assertEqual(self.server.stats()["accepted"], 1, "never sent before: it is our own")

    def test_anothers_entries_are_left_alone(self):
        self.install()
        daemon = self.run_daemon()
        self.add(1)
        self.wait_for_results(1)
        self.stop(daemon)
        self.add(2)
        self.wire("XREADGROUP", "GROUP", GROUP, "stranger", "STREAMS", STREAM, ">")
        daemon = self.run_daemon()
        self.add(3)
        self.wait_for_results(2)
        self.stop(daemon)
        self.assertEqual(self.pending(), 1)

    def test_claimed_ones_begin_as_unknown(self):
        self.install(settings={"redis.claim": "true", "redis.claim_idle_ms": "1000"})
        self.add(1)
        self.wire("XGROUP", "CREATE", STREAM, GROUP, "0")
        self.wire("XREADGROUP", "GROUP", GROUP, "stranger", "STREAMS", STREAM, ">")
        daemon = self.run_daemon()
        results = self.wait_for_results(1)
        self.wait_until_acked()
        self.stop(daemon)
        self.assertEqual((results[0]["state"], results[0]["reason"]), ("unknown", "taken_over"))
        self.assertEqual(self.server.stats()["received"], 0)

    def test_claimed_and_killed_before_it_was_on_record(self):
        """Redis has done it, and the ledger knows nothing of it: the next run knows all the same."""
        self.install(settings={"redis.consumer": "one"})
        self.wire("XGROUP", "CREATE", STREAM, GROUP, "0", "MKSTREAM")
        first, second = self.add(1), self.add(2)
        self.wire("XREADGROUP", "GROUP", GROUP, "stranger", "STREAMS", STREAM, ">")
        self.wire("XCLAIM", STREAM, GROUP, "one:taken", "0", first, second)
        self.add(3)
        daemon = self.run_daemon()
        states = {r["to"]: r["state"] for r in self.wait_for_results(3)}
        self.wait_until_acked()
        self.stop(daemon)
        self.assertEqual(states, {number(1): "unknown", number(2): "unknown",
                                  number(3): "accepted"})
        self.assertEqual(self.server.stats()["received"], 1)

    def test_a_name_that_the_ledger_has_not_used(self):
        """A fixed name and a lost ledger: what is pending is sent, and said to be perhaps sent."""
        self.install(settings={"redis.consumer": "one"})
        self.wire("XGROUP", "CREATE", STREAM, GROUP, "0", "MKSTREAM")
        self.add(1)
        self.wire("XREADGROUP", "GROUP", GROUP, "one", "STREAMS", STREAM, ">")
        daemon = self.run_daemon()
        daemon.wait_for("WARN Entries are pending under our name, one, which this ledger has not")
        self.assertEqual(self.wait_for_results(1)[0]["state"], "accepted")
        self.wait_until_acked()
        self.stop(daemon)
        self.add(2)
        self.wire("XREADGROUP", "GROUP", GROUP, "one", "STREAMS", STREAM, ">")
        daemon = self.run_daemon()
        self.wait_for_results(2)
        self.stop(daemon)
        self.assertNotIn("pending under our name", daemon.err())

    def test_what_a_former_name_claimed_is_known_for_that(self):
        self.install(settings={"redis.consumer": "one"})
        self.stop(self.run_daemon())
        entry = self.add(1)
        self.wire("XREADGROUP", "GROUP", GROUP, "stranger", "STREAMS", STREAM, ">")
        self.wire("XCLAIM", STREAM, GROUP, "one:taken", "0", entry)
        self.installation.set({"redis.consumer": "two"})
        daemon = self.run_daemon()
        self.assertEqual(self.wait_for_results(1)[0]["state"], "unknown")
        self.wait_until_acked()
        self.stop(daemon)
        self.assertEqual(self.server.stats()["received"], 0)

    def test_a_second_daemon_with_another_ledger_is_refused(self):
        self.install()
        daemon = self.run_daemon()
        other = self.box(self.server, {"redis.url": self.redis.url, "admin.listen": "off"})
        result = other.run("run")
        self.assert_code(result, 75)
        self.assertIn(f"pid {daemon.pid}", result.err)
        self.stop(daemon)


class Operating(Daemon):
    def test_paused_it_holds_and_stays_so_over_a_restart(self):
        self.install()
        daemon = self.run_daemon()
        self.assert_code(self.installation.run("pause"), 0)
        for i in range(5):
            self.add(i)
        self.assertEqual(self.status()["state"], "paused")
        self.stop(daemon)
        daemon = self.run_daemon("paused")
        self.assertEqual(self.server.stats()["received"], 0)
        self.assert_code(self.installation.run("resume"), 0)
        self.wait_for_results(5)
        self.stop(daemon)
        self.assert_each_once(self.server, self.installation, 5)

    def test_the_kill_switch_holds_and_a_reload_lets_go(self):
        self.install(settings={"whatsapp.enabled": "false", "admin.listen": "127.0.0.1:0"})
        self.add(1)
        daemon = self.run_daemon("disabled")
        self.assertEqual(self.server.stats()["received"], 0)
        self.assertEqual([h["kind"] for h in self.status()["halts"]], ["disabled"])
        self.assertIn("Sending is stopped why=disabled", daemon.err())
        at = self.address(daemon)
        self.assertIn('tidings_paused{reason="disabled"} 1', self.get(at + "/metrics")[1])
        self.assertIn('tidings_paused{reason="operator"} 0', self.get(at + "/metrics")[1])
        self.installation.set({"whatsapp.enabled": "true"})
        daemon.signal(signal.SIGHUP)
        self.wait_for_results(1)
        self.stop(daemon)

    def test_a_reload_is_all_or_nothing(self):
        self.install()
        daemon = self.run_daemon()
        self.installation.set({"rate.messages_per_second": "0", "http.timeout_ms": "5000"})
        daemon.signal(signal.SIGHUP)
        daemon.wait_for("The new configuration is refused")
        self.add(1)
        self.wait_for_results(1)
        self.installation.set({"rate.messages_per_second": "500", "redis.group": "another"})
        self.assertTrue(self.status()["reload_failed"])
        daemon.signal(signal.SIGHUP)
        daemon.wait_for("Configuration read again")
        self.assertIn("redis.group", daemon.err())
        wait_until(lambda: self.status()["rate"]["allowed"] == 495, "the new rate, after the ramp")
        self.add(2)
        self.wait_for_results(2)
        self.stop(daemon)

    def test_a_token_of_the_environment_stays_over_reloads(self):
        self.install()
        sealed = self.installation.settings.pop("token.file")
        self.installation.environment["WHATSAPP_TOKEN"] = TOKEN
        self.installation.set({"rate.messages_per_second": "100"})
        daemon = self.run_daemon()
        self.installation.set({"whatsapp.enabled": "false", "rate.messages_per_second": "500"})
        daemon.signal(signal.SIGHUP)
        daemon.wait_for('token="WHATSAPP_TOKEN, as at the start"')
        self.assertEqual(self.status()["state"], "disabled")
        self.installation.set({"whatsapp.enabled": "true", "token.file": sealed})
        daemon.signal(signal.SIGHUP)
        daemon.wait_for(f"token={sealed}")
        self.installation.settings.pop("token.file")
        self.installation.set({"token.key_file": self.installation.folder / "no key"})
        self.add(1)
        self.wait_for_results(1)
        daemon.signal(signal.SIGHUP)
        wait_until(lambda: daemon.err().count("as at the start") == 2, "the token as before")
        wait_until(lambda: self.status()["rate"]["allowed"] == 495, "the new rate, after the ramp")
        self.add(2)
        self.assertEqual({r["state"] for r in self.wait_for_results(2)}, {"accepted"})
        self.stop(daemon)

    def test_a_reload_shortens_the_streams(self):
        self.install(settings={"redis.result_maxlen": "1000000"})
        daemon = self.run_daemon()
        self.installation.set({"redis.result_maxlen": "1000"})
        daemon.signal(signal.SIGHUP)
        daemon.wait_for("Configuration read again")
        calls = []
        watcher = Wire(self.redis.port)
        self.addCleanup(watcher.close)
        watcher("MONITOR")
        self.add(1)
        while not any("tidings:result" in call for call in calls):
            calls.append(watcher.read())
        self.assertIn('"1000"', calls[-1])
        self.stop(daemon)

    def test_a_reload_wants_certificates(self):
        self.install()
        ca = self.installation.folder / "ca.pem"
        ca.write_bytes(Path(self.server.ca).read_bytes())
        self.installation.set({"whatsapp.ca_file": ca})
        daemon = self.run_daemon()
        ca.write_text("none\n")
        daemon.signal(signal.SIGHUP)
        daemon.wait_for("The new configuration is refused")
        self.assertIn(f"whatsapp.ca_file: {ca}: has no PEM certificate", daemon.err())
        self.stop(daemon)

    def test_a_new_token_ends_the_halt(self):
        self.install(faults=["code=190@n1"])
        self.add(1)
        daemon = self.run_daemon("halted")
        self.assertEqual([h["kind"] for h in self.status()["halts"]], ["token"])
        for said in (self.status()["halts"][0]["hint"], daemon.err()):
            self.assertIn("Then reload the daemon: `systemctl reload tidings`", said)
            self.assertNotIn("the same command", said)
        self.assert_code(self.installation.run("token", "seal", stdin=TOKEN + "2"), 0)
        daemon.signal(signal.SIGHUP)
        self.wait_for_results(1)
        self.stop(daemon)

    def test_without_graph_it_says_why_nothing_goes(self):
        port = free_port()
        self.install(settings={"admin.listen": "127.0.0.1:0"})
        self.installation.set({"whatsapp.api_base": f"http://127.0.0.1:{port}"})
        for i in range(20):
            self.add(i)
        daemon = self.run_daemon('"network down"')
        halt, = self.status()["halts"]
        self.assertEqual((halt["kind"], halt["what"]), ("network", "everything"))
        self.assertIn("Connection refused: one message at a time", halt["hint"])
        at = self.address(daemon)
        self.assertIn('tidings_paused{reason="network"} 1', self.get(at + "/metrics")[1])
        self.assertIn("network: everything since", self.installation.run("status").out)
        self.server = self.mock(tls=False, listen=f"127.0.0.1:{port}")
        self.wait_for_results(20)
        self.assertEqual(self.status()["halts"], [])
        self.stop(daemon)

    def test_drain_finishes_what_is_in_flight(self):
        self.install("--latency", "300")
        for i in range(20):
            self.add(i)
        daemon = self.run_daemon()
        wait_until(lambda: self.server.stats()["received"] > 0, "a request")
        self.assert_code(self.installation.run("drain"), 0)
        self.assert_code(daemon.finish(), 0)
        self.assertNotIn("unknown", count_states(self.installation.log("--all")))

    def test_redis_away_at_the_start_and_later(self):
        self.install()
        port = self.redis.port
        self.redis.process.terminate()
        self.redis.process.wait()
        daemon = self.run_daemon("\"redis down\"")
        self.assertRegex(daemon.err(), f"Redis is not reached: .* redis=127.0.0.1:{port} error=")
        self.assertRegex(self.status()["redis"]["error"], rf"^127\.0\.0\.1:{port}: .*refused")
        self.redis = RedisServer(port=port)
        self.addCleanup(self.redis.stop)
        self.wire = Wire(port)
        self.addCleanup(self.wire.close)
        self.add(1)
        self.wait_for_results(1)
        self.stop(daemon)


class Ports(Daemon):
    def test_health_metrics_status_and_dashboard(self):
        self.install(settings={"admin.listen": "127.0.0.1:0"})
        for i in range(10):
            self.add(i)
        daemon = self.run_daemon()
        self.wait_for_results(10)
        at = self.address(daemon)
        self.assertEqual(self.get(at + "/healthz")[0], 200)
        self.assertEqual(self.get(at + "/readyz")[0], 200)
        self.assertIn('tidings_messages_total{outcome="accepted"} 10', self.get(at + "/metrics")[1])
        self.assertIn(f'sender="{PHONE_ID}"', self.get(at + "/metrics")[1])
        self.assertEqual(json.loads(self.get(at + "/api/status")[1])["accepted"], 10)
        self.assertIn("<html", self.get(at + "/")[1])
        self.assertEqual(self.get(at + "/nothing")[0], 404)
        self.stop(daemon)

    def test_each_outcome_is_counted_once(self):
        self.install(settings={"admin.listen": "127.0.0.1:0"})
        daemon = self.run_daemon()
        box = self.installation
        for _ in range(4):
            self.wire("XADD", STREAM, "*", "to", "nobody")
        for i, results in (1, 1), (1, 2), (2, 2):  # once, known, and used for another
            self.add(i, id="one")
            self.wait_for_results(results)
        self.wait_for_results(5, "dead")
        self.assert_code(box.run("send", number(3), "A", "B", "C", "--id", "one"), 3)
        self.assert_code(box.run("pause", "late"), 0)
        for i in range(10, 17):
            self.add(i, broadcast="late")
        wait_until(lambda: len(box.log("--broadcast", "late")) == 7, "custody")
        self.assert_code(box.run("cancel", "late", "--yes"), 0)
        self.add(17, broadcast="late")  # too late
        self.wait_for_results(10)
        self.wait_until_acked()
        expected = {"accepted": 1, "failed": 0, "unknown": 0, "skipped": 8, "duplicate": 1,
                    "invalid": 6}
        told = self.get(self.address(daemon) + "/metrics")[1]
        for outcome, count in expected.items():
            self.assertIn(f'tidings_messages_total{{outcome="{outcome}"}} {count}\n', told)
        status = self.status()
        self.assertEqual((status["skipped"], status["rejected"], status["duplicates"]), (8, 6, 1))
        self.stop(daemon)

    def test_a_taken_port_is_named(self):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = taken.getsockname()[1]
            self.install(settings={"admin.listen": f"127.0.0.1:{port}"})
            result = self.installation.run("run")
        self.assert_code(result, 73)
        self.assertIn("admin.listen", result.err)

    def test_systemd_hears_of_it(self):
        self.install()
        path = str(self.installation.folder / "notify")
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as heard:
            heard.bind(path)
            heard.settimeout(60)
            self.installation.environment["NOTIFY_SOCKET"] = path
            self.installation.environment["WATCHDOG_USEC"] = "1000000"
            daemon = self.run_daemon()
            said = ""
            while "READY=1" not in said or "WATCHDOG=1" not in said:
                said += heard.recv(4096).decode() + "\n"
            daemon.signal(signal.SIGTERM)
            while "STOPPING=1" not in said:
                said += heard.recv(4096).decode() + "\n"
            self.assert_code(daemon.finish(), 0)


class Draining(Daemon):
    """With a request in flight at a mock that stands still until it may answer."""

    def hold_one(self):
        self.install(tls=False, settings={"admin.listen": "127.0.0.1:0",
                                          "http.timeout_ms": "600000"})
        path = str(self.installation.folder / "notify")
        self.heard = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.addCleanup(self.heard.close)
        self.heard.bind(path)
        self.heard.settimeout(60)
        self.installation.environment["NOTIFY_SOCKET"] = path
        daemon = self.run_daemon()
        self.server.process.send_signal(signal.SIGSTOP)
        self.addCleanup(self.server.process.send_signal, signal.SIGCONT)  # before it is stopped
        self.add(1)
        wait_until(lambda: self.status()["in_flight"] == 1, "a request")
        return daemon

    def assert_refused(self, result):
        self.assert_code(result, 75)
        self.assertIn("the daemon is draining: it takes nothing new", result.err)

    def assert_drains(self, daemon):
        """It says so everywhere, takes nothing new, and finishes what it has."""
        box, at = self.installation, self.address(daemon)
        daemon.wait_for("state=draining")
        while "STOPPING=1" not in self.heard.recv(4096).decode():
            pass
        self.assertEqual(self.status()["state"], "draining")
        self.assertEqual(self.get(at + "/readyz"), (503, "draining"))
        self.assertEqual(self.get(at + "/healthz")[0], 200)
        self.assertIn('tidings_state{state="draining"} 1', self.get(at + "/metrics")[1])
        self.add(2)
        self.assert_refused(box.run("send", number(3), "Asha", "Physics", "https://exam.example/3"))
        self.assert_refused(box.run("broadcast", box.results("late.csv", 5), "--yes"))
        self.assert_code(box.run("pause", "other"), 0)  # brings nothing to send
        self.server.process.send_signal(signal.SIGCONT)
        self.assert_code(daemon.finish(), 0)
        self.assertEqual([(r["to"], r["state"]) for r in box.log()], [(number(1), "accepted")])
        self.assertEqual([r["to"] for r in self.results()], [number(1)])
        again = self.run_daemon()
        self.wait_for_results(2)
        self.stop(again)
        self.assert_each_once(self.server, box, 2)

    def test_from_the_signal_on(self):
        daemon = self.hold_one()
        daemon.signal(signal.SIGTERM)
        self.assert_drains(daemon)

    def test_from_the_word_on(self):
        daemon = self.hold_one()
        self.assertTrue(self.installation.ask({"op": "drain"})["ok"])
        self.assert_drains(daemon)


class Refusals(Daemon):
    def test_without_redis_url(self):
        box = self.box(self.mock())
        result = box.run("run")
        self.assert_code(result, 78)
        self.assertIn("redis.url", result.err)

    def test_an_argument(self):
        box = self.box(self.mock())
        self.assert_code(box.run("run", "now"), 64)


if __name__ == "__main__":
    unittest.main()
