# SPDX-License-Identifier: MIT
"""`tidings run` as it should be: what it reads, acknowledges and tells, what it takes over, what an
operator can do to it while it runs."""
import json
import signal
import socket
import unittest
import urllib.error
import urllib.request

from harness import PHONE_ID, TOKEN, EndToEnd, count_states, number, wait_until
from redis_server import RedisServer, Wire

STREAM, GROUP = "tidings:send", "tidings"


def fields(entry):
    """The second half of what XRANGE says of an entry, as a dictionary."""
    return dict(zip(entry[1][::2], entry[1][1::2]))


class Daemon(EndToEnd):
    def install(self, *flags, settings=None, faults=()):
        self.redis = RedisServer()
        self.addCleanup(self.redis.stop)
        self.server = self.mock(*flags, faults=faults)
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
        self.install(settings={"whatsapp.enabled": "false"})
        self.add(1)
        daemon = self.run_daemon("disabled")
        self.assertEqual(self.server.stats()["received"], 0)
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

    def test_a_new_token_ends_the_halt(self):
        self.install(faults=["code=190@n1"])
        self.add(1)
        daemon = self.run_daemon("halted")
        self.assertEqual([h["kind"] for h in self.status()["halts"]], ["token"])
        self.assert_code(self.installation.run("token", "seal", stdin=TOKEN + "2"), 0)
        daemon.signal(signal.SIGHUP)
        self.wait_for_results(1)
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
