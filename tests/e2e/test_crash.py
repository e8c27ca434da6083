# SPDX-License-Identifier: MIT
"""tidings is ended at any moment, and the same command goes on: nobody skipped, nobody twice, and
what was on its way is listed as unknown. TIDINGS_KILLS is how often (10 by default)."""
import json
import os
import random
import signal
import unittest
from pathlib import Path

from harness import EndToEnd, count_states, free_port, number, wait_until

KILLS = int(os.environ.get("TIDINGS_KILLS", "10"))
SEED = int(os.environ.get("TIDINGS_SEED", random.randrange(1 << 32)))
IN_FLIGHT = 16
RATE = 300
AHEAD = 1 + RATE * 50 // 1000  # intents on disk before their turn
PACE = {"rate.messages_per_second": str(RATE), "http.max_in_flight": str(IN_FLIGHT)}


class Crashes(EndToEnd):
    def setUp(self):
        self.random = random.Random(SEED)

    def kill_soon(self, running, mock, most):
        """After that many more sends at most, and a moment more; or before the first one."""
        if self.random.random() < 0.2:
            pause = self.random.uniform(0, 0.15)
        else:
            pause = self.random.uniform(0, 0.04)
            goal = mock.stats()["received"] + self.random.randint(1, most)
            wait_until(lambda: mock.stats()["received"] >= goal or running.has_ended(),
                       "some requests")
        running.end_after(pause)

    def assert_accounted(self, mock, box, count):
        rows, accepted, stats = box.states(), mock.messages(), mock.stats()
        self.assertEqual(set(rows), {number(i) for i in range(count)}, f"seed {SEED}")
        self.assertEqual((stats["accepted_again"], stats["received_again"]), (0, 0),
                         f"seed {SEED}")
        known = {to for to, row in rows.items() if row["state"] == "accepted"}
        unknown = {to for to, row in rows.items() if row["state"] == "unknown"}
        self.assertEqual(known | unknown, set(rows), f"seed {SEED}")
        self.assertLessEqual(known, set(accepted), f"seed {SEED}")
        return len(unknown)

    def kill_and_go_on(self, kills, settings):
        mock = self.mock("--latency", "10-60")
        box = self.box(mock, dict(PACE, **settings))
        most = 60
        count = kills * most // 2 + 200
        file = box.results("r.csv", count)
        for _ in range(kills):
            self.kill_soon(self.start(box, "broadcast", file, "--yes"), mock, most)
        last = box.run("broadcast", file, "--yes")
        unknown = self.assert_accounted(mock, box, count)
        self.assertLessEqual(unknown, kills * (IN_FLIGHT + AHEAD), f"seed {SEED}")
        self.assert_code(last, 4 if unknown else 0)
        reasons = {row["reason"] for row in box.log("--state", "unknown")}
        self.assertLessEqual(reasons, {"interrupted"}, f"seed {SEED}")

    def test_kill_9_at_any_moment(self):
        self.kill_and_go_on(KILLS, {})

    def test_kill_9_over_http_2(self):
        self.kill_and_go_on(max(2, KILLS // 5), {"http.version": "2"})

    def test_kill_9_at_the_start(self):
        mock = self.mock()
        box = self.box(mock, PACE)
        file = box.results("r.csv", 30)
        for _ in range(5):
            running = self.start(box, "broadcast", file, "--yes")
            running.end_after(self.random.uniform(0, 0.03))
        self.assertIn(box.run("broadcast", file, "--yes").code, (0, 4))
        self.assert_accounted(mock, box, 30)

    def test_kill_9_of_a_retry(self):
        mock = self.mock("--latency", "30", faults=["code=131026@try1"])
        box = self.box(mock, PACE)
        self.assert_code(box.run("broadcast", box.results("r.csv", 60), "--yes"), 3)
        self.assertEqual(count_states(box.log()), {"failed": 60})
        running = self.start(box, "retry", "--yes")
        wait_until(lambda: mock.stats()["accepted"] > 10 or running.has_ended(), "some sends")
        running.end()
        last = box.run("retry", "--yes")
        rows = count_states(box.log())
        self.assert_code(last, 4 if rows.get("unknown") else 0)
        self.assertEqual(rows["accepted"] + rows.get("unknown", 0), 60)
        self.assertLessEqual(rows.get("unknown", 0), IN_FLIGHT + AHEAD)
        self.assertEqual(mock.stats()["accepted_again"], 0)

    def kill_a_retry_in_flight(self, count, *retry):
        """Message 0 is on the wire, and no answer comes; all failed, or were unknown, before."""
        first = "noid" if retry else "code=131026"
        mock = self.mock(faults=[f"{first}@n1-{count}", f"hang@n{count + 1}"])
        box = self.box(mock, {"http.max_in_flight": "1", "ledger.intent_ahead_ms": "0"})
        self.assert_code(box.run("broadcast", box.results("r.csv", count), "--yes"),
                         4 if retry else 3)
        received = mock.stats()["received"] + mock.stats()["lost"]
        running = self.start(box, "retry", "--yes", *retry)
        wait_until(lambda: mock.stats()["received"] + mock.stats()["lost"] > received or
                   running.has_ended(), "a send")
        running.end()
        return mock, box

    def test_after_a_killed_retry_what_was_in_flight_is_unknown(self):
        for count in (1, 5):
            with self.subTest(count=count):
                mock, box = self.kill_a_retry_in_flight(count)
                last = box.run("retry", "--yes", "--json", "--report", "report.json")
                self.assert_code(last, 4)
                self.assertRegex(last.err, "[1-9] were being sent when a run was killed")
                rows = count_states(box.log())
                self.assertEqual(rows["unknown"] + rows.get("accepted", 0), count)
                account = json.loads(last.out)
                self.assertEqual(account["states"]["unknown"], rows["unknown"])
                self.assertEqual(json.loads((box.folder / "report.json").read_text()), account)
                self.assert_never_twice(mock)
                self.assert_code(box.run("retry", "--yes"), 0)

    def test_after_a_killed_retry_of_unknown_ones_they_are_sent_again(self):
        mock, box = self.kill_a_retry_in_flight(3, "--unknown")
        self.assert_code(box.run("retry", "--unknown", "--yes"), 0)
        self.assertEqual(count_states(box.log()), {"accepted": 3})


class Signals(EndToEnd):
    def begin(self, *flags, faults=(), count=200):
        mock = self.mock(*flags, faults=faults)
        box = self.box(mock, {"http.max_in_flight": "4"})
        file = box.results("r.csv", count)
        running = self.start(box, "broadcast", file, "--yes")
        wait_until(lambda: mock.stats()["received"] >= 4, "some requests")
        return mock, box, file, running

    def once(self, number_):
        mock, box, file, running = self.begin("--latency", "100", count=60)
        running.signal(number_)
        result = running.finish()
        self.assert_code(result, 5)
        self.assertIn("Stopping: waiting for what is in flight", result.err)
        self.assertIn("Go on:", result.out)
        rows = count_states(box.log())
        self.assertLessEqual(set(rows), {"accepted", "waiting"})
        self.assertEqual(rows["accepted"], mock.stats()["accepted"])
        self.assert_code(box.run("broadcast", file, "--yes"), 0)
        self.assert_each_once(mock, box, 60)

    def test_sigint_drains(self):
        self.once(signal.SIGINT)

    def test_sigterm_drains(self):
        self.once(signal.SIGTERM)

    def twice(self, number_, code):
        mock, box, file, running = self.begin(faults=["slow=60000@n1-4"], count=40)
        running.signal(number_)
        running.wait_for("Stopping: waiting for what is in flight")
        running.signal(number_)
        self.assert_code(running.finish(), code)
        self.assert_code(box.run("broadcast", file, "--yes"), 4)
        self.assertEqual(count_states(box.log()), {"accepted": 36, "unknown": 4})
        self.assertEqual(mock.stats()["received"], 40)
        self.assert_never_twice(mock)

    def test_sigint_twice_stops_at_once(self):
        self.twice(signal.SIGINT, 130)

    def test_sigterm_twice_stops_at_once(self):
        self.twice(signal.SIGTERM, 143)

    def test_a_signal_in_an_outage(self):
        box = self.box(settings={"whatsapp.api_base": f"http://127.0.0.1:{free_port()}"})
        running = self.start(box, "broadcast", box.results("r.csv", 30), "--yes")
        running.wait_for("why=network")
        running.signal(signal.SIGINT)
        self.assert_code(running.finish(), 5)
        self.assertEqual(set(count_states(box.log())), {"waiting"})

    def refused_for_a_time(self, faults, settings):
        """A broadcast whose messages all wait for their second attempt, ended by Ctrl-C."""
        mock = self.mock(faults=faults)
        box = self.box(mock, dict({"retry.base_ms": "20", "retry.max_ms": "20"}, **settings))
        file = box.results("r.csv", len(faults))
        running = self.start(box, "broadcast", file, "--yes")
        wait_until(lambda: running.err().count("WhatsApp API error") == len(faults), "all refused")
        running.signal(signal.SIGINT)
        self.assert_code(running.finish(), 5)
        return mock, box, file

    def test_a_wait_that_graph_wished_goes_on(self):
        """Run again, what is due earlier is sent, and the other one is not."""
        mock, box, file = self.refused_for_a_time(
            [f"code=131016,retry_after=3000@to{number(0)}",
             f"code=131016,retry_after=1@to{number(1)}@try1"], {})
        again = self.start(box, "broadcast", file, "--yes")
        again.wait_for("WhatsApp sent successfully")
        again.signal(signal.SIGINT)
        self.assert_code(again.finish(), 5)
        self.assertEqual(mock.stats()["refused"], 2)

    def test_attempts_of_an_earlier_run_count(self):
        mock, box, file = self.refused_for_a_time(["code=131016,retry_after=2"],
                                                  {"retry.max_attempts": "2"})
        self.assert_code(box.run("broadcast", file, "--yes"), 3)
        row = box.log()[0]
        self.assertEqual((row["state"], row["reason"], row["attempts"]), ("failed", "attempts_used", 2))
        self.assertEqual(mock.stats()["refused"], 2)

    def test_nobody_can_look_into_it(self):
        """No core dump, no debugger: the token is in it."""
        box = self.box(self.mock("--latency", "100"), {"http.max_in_flight": "1"})
        running = self.start(box, "broadcast", box.results("r.csv", 200), "--yes")
        running.wait_for("WhatsApp sent successfully")
        limits = Path(f"/proc/{running.pid}/limits").read_text()
        self.assertRegex(limits, r"Max core file size +0 +0 ")
        self.assertIn("NoNewPrivs:\t1\n", Path(f"/proc/{running.pid}/status").read_text())
        running.signal(signal.SIGINT)
        self.assert_code(running.finish(), 5)

    def test_others_while_one_holds_the_ledger(self):
        mock, box, file, running = self.begin("--latency", "100")
        holder = f"pid {running.pid}"
        for command in (("broadcast", file, "--yes"), ("send", number(9), "A", "B", "C")):
            result = box.run(*command)
            self.assert_code(result, 75)
            self.assertIn(holder, result.err)
        self.assertGreater(len(box.log()), 0)
        self.assert_code(box.run("check", "--offline"), 0)
        running.signal(signal.SIGTERM)
        self.assert_code(running.finish(), 5)


if __name__ == "__main__":
    unittest.main()
