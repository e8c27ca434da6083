# SPDX-License-Identifier: MIT
"""What Graph and the network can do wrong, and what becomes of the messages: refusals, halts,
answers that say nothing, connections that die, outages. TIDINGS_OUTAGE_S is how long those last."""
import json
import os
import re
import unittest

from datetime import datetime
from harness import EndToEnd, Mock, PHONE_ID, count_states, free_port, number, wait_until

OUTAGE_S = int(os.environ.get("TIDINGS_OUTAGE_S", "3"))
ONE_AT_A_TIME = {"http.max_in_flight": "1"}
SOON = {"retry.base_ms": "20", "retry.max_ms": "100"}


class Faults(EndToEnd):
    def send(self, mock, count=10, settings=None, file=None):
        """Broadcasts that many results; gives back box and result."""
        box = self.box(mock, dict(SOON, **(settings or {})))
        file = file(box) if file else box.results("r.csv", count)
        return box, box.run("broadcast", file, "--yes", "--report", "report.json")

    def again(self, box, name="r.csv"):
        return box.run("broadcast", box.folder / name, "--yes", "--report", "report.json")

    @staticmethod
    def report(box):
        return json.loads((box.folder / "report.json").read_text())

    def assert_once_over_both(self, first, second, box, count):
        """What one mock accepted before and another one after a stop: everybody once."""
        before, after = set(first.messages()), set(second.messages())
        self.assertEqual(before & after, set())
        self.assertEqual(before | after, {number(i) for i in range(count)})
        for mock in (first, second):
            self.assert_never_twice(mock)
        self.assertEqual(count_states(box.log()), {"accepted": count})

    def assert_accounted(self, mock, box, count):
        """Everybody is on record; what is accepted there, the mock accepted; nobody twice."""
        rows = box.states()
        self.assertEqual(len(rows), count)
        self.assert_never_twice(mock)
        known = {to for to, row in rows.items() if row["state"] == "accepted"}
        self.assertLessEqual(known, set(mock.messages()))
        unsure = set(rows) - known
        self.assertEqual({rows[to]["state"] for to in unsure} - {"unknown"}, set())
        self.assertLessEqual(set(mock.messages()) - known, unsure)


class Refusals(Faults):
    def test_a_final_one_fails_the_message_alone(self):
        mock = self.mock(faults=[f"code=131026@to{number(3)}"])
        box, result = self.send(mock)
        self.assert_code(result, 3)
        row = box.states()[number(3)]
        self.assertEqual((row["state"], row["code"], row["attempts"]), ("failed", 131026, 1))
        self.assertEqual(mock.stats()["accepted"], 9)
        self.assertRegex(result.err, r"❌ WhatsApp API error id=\S+ http=\d+ code=131026 title=")
        self.assertIn("code 131026", result.out)
        self.assert_code(self.again(box), 3)
        self.assertEqual(mock.stats()["received"], 10)

    def test_each_line_of_the_log_is_whole(self):
        """What alerts and searches are made of; an ERROR only where nothing more is tried."""
        mock = self.mock(faults=[f"code=131026@to{number(1)}", f"code=131016@to{number(2)}@try1"])
        box, result = self.send(mock, settings={"log.full_numbers": "true"})
        self.assert_code(result, 3)
        rows = box.states()
        for i, wamid in ((2, rows[number(2)]["wamid"]), (3, rows[number(3)]["wamid"])):
            attempt = 2 if i == 2 else 1
            self.assertRegex(result.err, rf"Z INFO ✅ WhatsApp sent successfully "
                             rf"id={rows[number(i)]['id']} wamid=\"{wamid}\" attempt={attempt} ms=\d+ "
                             r"http=200\n")
        self.assertRegex(result.err, rf"Z INFO 📱 Scheduling WhatsApp notification "
                         rf"id={rows[number(3)]['id']} to={re.escape(number(3))} sender={PHONE_ID} "
                         rf"template=results_update attempt=1\n")
        error = (r"Z {} ❌ WhatsApp API error id={} http=\d+ code={} title=\"[^\"]+\"( details=\"[^\"]+\")?"
                 r" attempt=1 next={} ms=\d+ fbtrace_id=\S+\n")
        self.assertRegex(result.err, error.format("ERROR", rows[number(1)]["id"], 131026, "none"))
        self.assertRegex(result.err, error.format("WARN", rows[number(2)]["id"], 131016,
                                                  r"20\d\d-\d\d-\d\dT[0-9:.]+Z"))

    def test_one_for_a_time_is_tried_again(self):
        mock = self.mock(faults=["code=131016@try1-2"])
        box, result = self.send(mock)
        self.assert_code(result, 0)
        self.assert_each_once(mock, box, 10)
        self.assertEqual({row["attempts"] for row in box.log()}, {3})

    def test_attempts_are_used_up(self):
        mock = self.mock(faults=[f"code=131016@to{number(3)}", f"code=135000@to{number(4)}"])
        box, result = self.send(mock, settings={"retry.max_attempts": "3"})
        self.assert_code(result, 3)
        rows = box.states()
        self.assertEqual([(rows[number(i)]["reason"], rows[number(i)]["attempts"])
                          for i in (3, 4)], [("attempts_used", 3), ("attempts_used", 2)])

    def test_the_wait_that_graph_asks_for_is_kept(self):
        mock = self.mock(faults=["code=131016,retry_after=1@n1"])
        box, result = self.send(mock, 1)
        self.assert_code(result, 0)
        line = next(x for x in result.err.splitlines() if "API error" in x)
        said = datetime.fromisoformat(line.split()[0].replace("Z", "+00:00"))
        text = line.split("next=")[1].split()[0].replace("Z", "+00:00")
        self.assertGreater((datetime.fromisoformat(text) - said).total_seconds(), 0.9)

    def test_throttles_cut_the_rate_and_use_nothing_up(self):
        mock = self.mock("--rate", "100")
        box, result = self.send(mock, 350, {"rate.messages_per_second": "200",
                                            "rate.guard_percent": "0", "retry.max_attempts": "1"})
        self.assert_code(result, 0)
        self.assert_each_once(mock, box, 350)
        throttles = self.report(box)["throttles"]
        self.assertGreater(throttles, 0)
        self.assertLess(throttles, 350)
        self.assertEqual(mock.stats()["refused_by_code"], {"130429": throttles})

    def test_a_throttled_unlimited_rate(self):
        mock = self.mock(faults=["code=130429@n20-25"])
        box, result = self.send(mock, 100, {"retry.max_attempts": "1"})
        self.assert_code(result, 0)
        self.assert_each_once(mock, box, 100)

    def test_a_recipients_limit_holds_this_recipient_alone(self):
        mock = self.mock(faults=[f"code=131056@to{number(3)}@try1"])
        box, result = self.send(mock, settings={"retry.max_attempts": "1"})
        self.assert_code(result, 0)
        self.assert_each_once(mock, box, 10)
        self.assertEqual(mock.stats()["refused_by_code"], {"131056": 1})
        self.assertEqual(list(mock.messages())[-1], number(3))

    def test_forty_five_to_one_recipient_are_within_the_limit(self):
        mock = self.mock("--pair")
        box, result = self.send(mock, file=lambda box: box.write_csv("r.csv", [
            {"to": number(1), "params": json.dumps(["A", "B", f"https://e/{i}"])}
            for i in range(45)]))
        self.assert_code(result, 0)
        self.assertEqual(mock.stats()["refused_by_code"], {})
        self.assertEqual(mock.stats()["accepted"], 45)

    def test_held_and_paused_are_accepted(self):
        mock = self.mock(faults=[f"held@to{number(1)}", f"paused@to{number(2)}"])
        box, result = self.send(mock, 4)
        self.assert_code(result, 0)
        self.assert_each_once(mock, box, 4)
        rows = box.states()
        self.assertEqual([rows[number(i)]["reason"] for i in range(4)], ["", "held", "held", ""])


class Halts(Faults):
    def stop_and_go_on(self, fault, code, kind, over="1.1"):
        first = self.mock(faults=[fault])
        box, result = self.send(first, 60, {"http.version": over, "http.max_in_flight": "8"})
        self.assert_code(result, code)
        self.assertIn(f"why={kind}", result.err)
        self.assertEqual([h["kind"] for h in self.report(box)["halts"]], [kind])
        self.assertIn("Go on:", result.out)
        rows = count_states(box.log())
        self.assertEqual(rows["accepted"], first.stats()["accepted"])
        self.assertEqual(set(rows), {"accepted", "waiting"})
        self.assertLess(first.stats()["received"], 60)
        second = self.mock()
        box.talk_to(second)
        self.assert_code(self.again(box), 0)
        self.assert_once_over_both(first, second, box, 60)

    def test_the_token(self):
        self.stop_and_go_on("code=190@n20-1000", 77, "token")

    def test_the_token_over_http_2(self):
        self.stop_and_go_on("code=190@n20-1000", 77, "token", over="2")

    def test_the_account(self):
        self.stop_and_go_on("code=131031@n20-1000", 5, "account")

    def test_the_account_for_a_policy(self):
        self.stop_and_go_on("code=368@n20-1000", 5, "account")

    def test_a_wrong_token_stops_after_a_handful(self):
        mock = self.mock("--token", "EAAanother0000000000000000000000000")
        box, result = self.send(mock, 200, {"http.max_in_flight": "4"})
        self.assert_code(result, 77)
        self.assertLessEqual(mock.stats()["requests"], 4)
        self.assertEqual(mock.stats()["accepted"], 0)

    def test_a_sender_that_does_not_exist(self):
        first = self.mock("--phone-id", "1234567890")
        box, result = self.send(first, 30, {"http.max_in_flight": "4"})
        self.assert_code(result, 5)
        self.assertEqual(self.report(box)["halts"][0]["what"], f"sender {PHONE_ID}")
        self.assertEqual(first.stats()["accepted"], 0)
        second = self.mock()
        box.talk_to(second)
        self.assert_code(self.again(box), 0)
        self.assert_each_once(second, box, 30)

    def test_a_template_that_does_not_exist_stops_itself_alone(self):
        first = self.mock()
        box, result = self.send(first, file=lambda box: box.write_csv("r.csv", [
            {"to": number(i), "template": ("results_update", "nosuch")[i % 2],
             "params": '["A","B","C"]'} for i in range(40)]))
        self.assert_code(result, 5)
        self.assertEqual([h["code"] for h in self.report(box)["halts"]], [132001])
        self.assertEqual(count_states(box.log()), {"accepted": 20, "waiting": 20})
        second = self.mock("--template", "nosuch:en_US:3")
        box.talk_to(second)
        self.assert_code(self.again(box), 0)
        self.assert_once_over_both(first, second, box, 40)

    def test_a_paused_template(self):
        self.stop_and_go_on("code=132015@n20-1000", 5, "template")


# fault: state on record, and whether the mock accepted the message. One request each.
UNANSWERED = {
    "html500": ("unknown", False), "html500,accepted": ("unknown", True),
    "html502,accepted": ("unknown", True), "empty503,accepted": ("unknown", True),
    "code=131000,accepted": ("unknown", True), "code=1,status=500,accepted": ("unknown", True),
    "code=1,transient,accepted": ("unknown", True), "code=131026": ("failed", False),
    "noid": ("unknown", True), "cut": ("unknown", True), "close": ("unknown", True),
    "close_unread": ("unknown", False), "rst": ("unknown", True), "hang": ("unknown", False),
    "hang_accepted": ("unknown", True),
}


class Unanswered(Faults):
    """No usable answer: unknown, and never sent again by itself."""

    def all_of_them(self, over):
        faults = list(UNANSWERED)
        mock = self.mock(faults=[f"{fault}@to{number(i)}" for i, fault in enumerate(faults)])
        count = len(faults) + 3
        box, result = self.send(mock, count, dict(ONE_AT_A_TIME, **{
            "http.version": over, "http.timeout_ms": "500"}))
        self.assert_code(result, 4)
        rows, accepted, stats = box.states(), mock.messages(), mock.stats()
        for i, fault in enumerate(faults):
            with self.subTest(fault=fault):
                row = rows[number(i)]
                self.assertEqual((row["state"], number(i) in accepted), UNANSWERED[fault], row)
                self.assertEqual(row["attempts"], 1)
        self.assertEqual(stats["received_again"], 0)
        self.assertEqual(stats["received"] + stats["lost"], count)
        self.assertEqual([f["hits"] for f in stats["faults"]], [1] * len(faults))
        self.assert_code(self.again(box), 4)
        self.assertEqual(mock.stats()["received"], stats["received"])

    def test_over_http_1_1(self):
        self.all_of_them("1.1")

    def test_over_http_2(self):
        self.all_of_them("2")

    def test_an_answer_without_end_is_cut_and_hurts_nobody_else(self):
        for over in ("1.1", "2"):
            with self.subTest(over=over):
                mock = self.mock(faults=["big@every2"])
                box, result = self.send(mock, 8, dict(ONE_AT_A_TIME, **{
                    "http.version": over, "http.timeout_ms": "5000"}))
                self.assert_code(result, 0)
                self.assert_each_once(mock, box, 8)
                self.assertEqual(mock.stats()["received"], 8)

    def test_resend_sends_again_and_says_so(self):
        mock = self.mock(faults=[f"close@to{number(1)}@try1", f"noid@to{number(2)}"])
        box, result = self.send(mock, 4, dict(ONE_AT_A_TIME, **{
            "retry.ambiguous": "resend", "retry.max_attempts": "3"}))
        self.assert_code(result, 4)
        rows, accepted = box.states(), mock.messages()
        self.assertEqual([(rows[number(i)]["state"], rows[number(i)]["attempts"],
                           accepted[number(i)]["accepted"]) for i in range(4)],
                         [("accepted", 1, 1), ("accepted", 2, 2), ("unknown", 3, 3),
                          ("accepted", 1, 1)])
        history = box.run("log", "--id", rows[number(1)]["id"])
        self.assertIn("no_answer", history.out)
        self.assertIn("attempt 2", history.out)


class Connections(Faults):
    def test_a_kept_connection_that_dies_after_the_request_was_read(self):
        """libcurl would quietly send it a second time."""
        for fault in ("close_reused@n10", "close_unread@n10", "rst@n10"):
            with self.subTest(fault=fault):
                mock = self.mock(faults=[fault])
                box, result = self.send(mock, 20, ONE_AT_A_TIME)
                self.assert_code(result, 4)
                stats = mock.stats()
                self.assertEqual(stats["received"] + stats["lost"], 20)
                self.assertEqual((stats["received_again"], stats["faults"][0]["hits"]), (0, 1))
                self.assertEqual(count_states(box.log()), {"accepted": 19, "unknown": 1})

    def test_connections_that_close_after_an_answer(self):
        for flags, faults in (((), ["keepalive_close@every7"]), (("--max-requests", "10"), ())):
            with self.subTest(flags=flags, faults=faults):
                mock = self.mock(*flags, faults=faults)
                box, result = self.send(mock, 200)
                self.assert_code(result, 0)
                self.assert_each_once(mock, box, 200)

    def test_connections_that_close_unannounced_between_requests(self):
        mock = self.mock("--latency", "5", faults=["goaway_abrupt@every9"])
        box, result = self.send(mock, 200)
        self.assertIn(result.code, (0, 4), result)
        self.assert_accounted(mock, box, 200)

    def test_http_2_goodbyes(self):
        """Streams above the last one were never processed; what libcurl cannot tell is unknown."""
        for flags, faults in (((), ["goaway@every50"]), ((), ["goaway_abrupt@every50"]),
                              ((), ["refused@every50"]), ((), ["rst@every50"]),
                              (("--max-requests", "50"), ())):
            with self.subTest(flags=flags, faults=faults):
                mock = self.mock("--latency", "5", *flags, faults=faults)
                box, result = self.send(mock, 200, {"http.version": "2",
                                                    "http.max_in_flight": "16"})
                self.assertIn(result.code, (0, 4), result)
                self.assert_accounted(mock, box, 200)
                self.assertLessEqual(count_states(box.log()).get("unknown", 0), 4 * 16)

    def test_a_graceful_goodbye_loses_nothing_when_one_is_in_flight(self):
        mock = self.mock(faults=["goaway@every5"])
        box, result = self.send(mock, 30, dict(ONE_AT_A_TIME, **{"http.version": "2"}))
        self.assert_code(result, 0)
        self.assert_each_once(mock, box, 30)


class Outages(Faults):
    def test_a_port_that_listens_only_later(self):
        port = free_port()
        box = self.box(settings={"whatsapp.api_base": f"http://127.0.0.1:{port}",
                                 "retry.max_attempts": "1", **SOON})
        running = self.start(box, "broadcast", box.results("r.csv", 50), "--yes")
        running.wait_for("why=network")
        running.wait_at_most(OUTAGE_S)
        self.assertIn("🔌 Graph could not be reached", running.err())
        mock = self.mock(tls=False, listen=f"127.0.0.1:{port}")
        self.assert_code(running.finish(), 0)
        self.assertIn("Sending goes on after=network", running.err())
        self.assert_each_once(mock, box, 50)
        self.assertEqual(mock.stats()["received"], 50)

    def test_a_port_that_stays_shut(self):
        port = free_port()
        box = self.box(settings={"whatsapp.api_base": f"http://127.0.0.1:{port}",
                                 "http.unreachable_after_s": "1", **SOON})
        file = box.results("r.csv", 50)
        gone = box.run("broadcast", file, "--yes")
        self.assert_code(gone, 69)
        self.assertIn("Go on:", gone.out)
        self.assertIn("everything is stopped (network): ", gone.out)
        self.assertIn("Connection refused. Look at the network", gone.out)
        self.assertEqual(set(count_states(box.log())), {"waiting"})
        mock = self.mock(tls=False, listen=f"127.0.0.1:{port}")
        self.assert_code(box.run("broadcast", file, "--yes"), 0)
        self.assert_each_once(mock, box, 50)

    def test_one_message_to_a_port_that_stays_shut(self):
        """Long before ten connections in a row have failed."""
        box = self.box(settings={"whatsapp.api_base": f"http://127.0.0.1:{free_port()}",
                                 "http.unreachable_after_s": "1",
                                 "retry.base_ms": "2000", "retry.max_ms": "2000"})
        result = box.run("send", number(1), "A", "B", "C")
        self.assert_code(result, 69)
        self.assertIn("could not be reached", result.err)
        self.assertNotIn("why=network", result.err)
        self.assertEqual(count_states(box.log()), {"waiting": 1})

    def test_a_certificate_of_somebody_else(self):
        for over in ("1.1", "2"):
            with self.subTest(over=over):
                mock, stranger = self.mock(), self.mock()
                box = self.box(mock, {"http.unreachable_after_s": "1", "http.version": over,
                                      **SOON})
                box.set({"whatsapp.ca_file": stranger.ca})
                file = box.results("r.csv", 20)
                result = box.run("broadcast", file, "--yes")
                self.assert_code(result, 69)
                self.assertRegex(result.err, "(?i)certificate")
                self.assertEqual(mock.stats()["requests"], 0)
                self.assertEqual(set(count_states(box.log())), {"waiting"})
                box.talk_to(mock)
                self.assert_code(box.run("broadcast", file, "--yes"), 0)
                self.assert_each_once(mock, box, 20)

    def brown_out(self, over):
        mock = self.mock("--latency", "10", faults=[f"brownout@t500ms-{OUTAGE_S}500ms"])
        in_flight = 32
        box, result = self.send(mock, 500, {
            "rate.messages_per_second": "200", "http.version": over, "http.timeout_ms": "700",
            "http.connect_timeout_ms": "700", "http.max_in_flight": str(in_flight)})
        self.assert_code(result, 4)
        self.assert_accounted(mock, box, 500)
        unknown = count_states(box.log())["unknown"]
        probes = OUTAGE_S * 1000 // 700 + 2
        self.assertLessEqual(unknown, in_flight + probes)
        self.assertGreater(unknown, 0)
        self.assertIn("why=network", result.err)

    def test_a_brown_out_costs_a_handful(self):
        self.brown_out("1.1")

    def test_a_brown_out_over_http_2_costs_a_handful(self):
        self.brown_out("2")

    def test_a_server_that_dies_at_work(self):
        first = Mock("--latency", "100")
        self.addCleanup(first.stop)
        box = self.box(first, {"http.max_in_flight": "8", "http.unreachable_after_s": "1", **SOON})
        file = box.results("r.csv", 300)
        running = self.start(box, "broadcast", file, "--yes")
        wait_until(lambda: first.stats()["accepted"] > 30, "some to be accepted")
        first.process.kill()
        self.assert_code(running.finish(), 69)
        rows = count_states(box.log())
        self.assertLessEqual(rows.get("unknown", 0), 8)
        second = self.mock()
        box.talk_to(second)
        self.assertIn(self.again(box).code, (0, 4))
        self.assertEqual(count_states(box.log())["accepted"], 300 - rows.get("unknown", 0))
        self.assertEqual(second.stats()["received"], 300 - rows["accepted"] -
                         rows.get("unknown", 0))
        self.assert_never_twice(second)


if __name__ == "__main__":
    unittest.main()
