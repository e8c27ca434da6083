# SPDX-License-Identifier: MIT
"""One message by hand, what became of messages, and sending failed ones again: send, log, retry."""
import csv
import io
import json
import signal
import unittest

from harness import Box, EndToEnd, Mock, PHONE_ID, count_states, number, wait_until

COLUMNS = ("id to state reason status wamid code error attempts class_id test_num broadcast sender "
           "ref at").split()


class Send(EndToEnd):
    def test_accepted(self):
        mock = self.mock()
        box = self.box(mock)
        result = box.run("send", number(1), "Asha", "Physics", "https://e/1")
        self.assert_code(result, 0)
        self.assertRegex(result.out, r"^send-[0-9a-f]{24}: accepted wamid\.\S+\n$")
        message = mock.messages()[number(1)]
        self.assertEqual((message["params"], message["template"], message["phone_id"]),
                         (["Asha", "Physics", "https://e/1"], "results_update", PHONE_ID))
        again = box.run("send", number(1), "Asha", "Physics", "https://e/1")
        self.assert_code(again, 0)
        self.assertEqual(mock.stats()["accepted"], 2)

    def test_as_json(self):
        box = self.box(self.mock())
        answer = json.loads(box.run("send", number(1), "A", "B", "C", "--json").out)
        self.assertEqual((answer["v"], answer["state"], answer["code"]), (1, "accepted", 0))
        self.assertTrue(answer["wamid"].startswith("wamid."))

    def test_refused_and_unknown(self):
        mock = self.mock(faults=[f"code=131026@to{number(1)}", f"noid@to{number(2)}"])
        box = self.box(mock)
        failed = box.run("send", number(1), "A", "B", "C")
        self.assert_code(failed, 3)
        self.assertRegex(failed.out, r": failed code 131026 \S")
        self.assert_code(box.run("send", number(2), "A", "B", "C"), 4)

    def test_a_template_that_does_not_exist(self):
        mock = self.mock()
        box = self.box(mock)
        result = box.run("send", number(1), "--template", "nosuch")
        self.assert_code(result, 5)
        self.assertIn("132001", result.out + result.err)
        self.assertEqual(mock.stats()["accepted"], 0)

    def test_other_templates(self):
        mock = self.mock()
        box = self.box(mock)
        named = {"educator_name": "Asha", "test_name": "B", "dashboard_url": "https://e/1"}
        for flags in (("--template", "hello_world"),
                      ("--template", "results_named", "--params", json.dumps(named)),
                      ("--params", '["A","B","C"]')):
            with self.subTest(flags=flags):
                self.assert_code(box.run("send", number(1), *flags), 0)

    def test_what_graph_would_refuse_is_refused_here(self):
        mock = self.mock()
        box = self.box(mock)
        one, four = '{"a":"b"}', '["A","B","C","D"]'
        for arguments, named in (
                (("12ab", "A", "B", "C"), "send: TO: "), (("12345", "A", "B", "C"), "send: TO: "),
                ((number(1), "A\nB", "B", "C"), "send: PARAM 1: "),
                ((number(1), "A", "", "C"), "send: PARAM 2: "),
                ((number(1), "A     B", "B", "C"), "send: PARAM 1: "),
                ((number(1), "A", "B", "C", "D"), "takes 3 parameters"),
                ((number(1), "--params", "[1"), "send: --params: "),
                ((number(1), "--params", '"x"'), "send: --params: "),
                ((number(1), "--params="), "--params: ''"),
                ((number(1), "--params", '["A","B",""]'), "send: --params, number 3: "),
                ((number(1), "--params", one), "send: --params: 1 given; 3"),
                ((number(1), "--params", four), "send: --params: 4 given; 3"),
                ((number(1), "A", "B", "C", "--params", four), "--params are both given"),
                ((number(1), "A", "B", "C", "--sender", "abc"), "--sender: 'abc'"),
                ((number(1), "A", "B", "C", "--sender="), "--sender: ''"),
                ((number(1), "A", "B", "C", "--template", "Bad N"), "--template: 'Bad N'"),
                ((number(1), "A", "B", "C", "--lang", ""), "--lang: ''"),
                ((number(1), "A", "B", "C", "--id", "x" * 129), "send: --id: "),
                ((number(1), "A", "B", "C", "--id="), "--id: ''")):
            with self.subTest(arguments=arguments):
                result = box.run("send", *arguments)
                self.assert_code(result, 64)
                self.assertIn(named, result.err)
        self.assertEqual(mock.stats()["requests"], 0)

    def test_the_same_id_changes_nothing(self):
        mock = self.mock()
        box = self.box(mock)
        for _ in range(2):
            result = box.run("send", number(1), "A", "B", "C", "--id", "x1")
            self.assert_code(result, 0)
            self.assertRegex(result.out, r"^x1: accepted wamid")
        self.assertIn("on record already", result.err)
        self.check_reused(box)
        self.assertEqual(mock.stats()["accepted"], 1)

    def test_the_same_id_again_ends_as_it_ended(self):
        """"Nothing was sent" is no success where it failed before."""
        box = self.box(self.mock(faults=["code=131026"]))
        for _ in range(2):
            result = box.run("send", number(1), "A", "B", "C", "--id", "x1")
            self.assert_code(result, 3)
            self.assertIn("x1: failed code 131026", result.out)
        self.assertIn("on record already", result.err)

    def check_reused(self, box):
        """The record of the message that has the id is not shown as this one's."""
        reused = box.run("send", number(1), "A", "B", "other", "--id", "x1", "-q")
        self.assert_code(reused, 3)
        self.assertEqual(reused.out, "x1: rejected id_reused: this id is on record with other "
                                     "content; nothing was sent\n")
        reused = box.run("send", number(1), "A", "B", "other", "--id", "x1", "--json")
        self.assert_code(reused, 3)
        row = json.loads(reused.out)
        self.assertEqual((row["state"], row["reason"], row["wamid"]), ("rejected", "id_reused", ""))


class Log(EndToEnd):
    """Ten results: 2 fails, 5 has no answer; and one message by hand."""

    @classmethod
    def setUpClass(cls):
        mock = Mock(faults=[f"code=131026@to{number(2)}", f"noid@to{number(5)}"])
        cls.addClassCleanup(mock.stop)
        cls.place = Box(mock)
        cls.addClassCleanup(cls.place.close)
        rows = cls.place.results("r.csv", 10, ref="=1+1")
        cls.place.run("broadcast", rows, "--yes", "--name", "week 1")
        cls.place.run("send", number(20), "A", "B", "C", "--id", "by-hand")

    def recipients(self, *flags):
        return sorted(int(row["to"][5:]) for row in self.place.log(*flags))

    def test_filters(self):
        for flags, expected in (
                (("--class", "C1"), [1, 4, 7]), (("--class", "C"), []),
                (("--test", "7"), list(range(10))), (("--broadcast", "week 1"), list(range(10))),
                (("--to", number(3)), [3]), (("--to", "+91 (98) 0000-0003"), [3]),
                (("--id", "by-hand"), [20]), (("--state", "failed"), [2]),
                (("--state", "failed,unknown"), [2, 5]), (("--failed",), [2]),
                (("--sent", "--class", "C2"), [8]), (("--code", "131026"), [2]),
                (("--since", "1h"), list(range(10)) + [20]), (("--until", "1h"), []),
                (("--since", "2000-01-01T00:00:00Z", "--until", "2001-01-01T00:00:00Z"), []),
                (("--since", "946684800"), list(range(10)) + [20]),
                (("--class", "C2", "--failed"), [2])):
            with self.subTest(flags=flags):
                self.assertEqual(self.recipients(*flags), expected)
                count = self.place.run("log", "--count", "--all", *flags)
                self.assertEqual(count.out, f"{len(expected)}\n")

    def test_the_most_recent(self):
        def ids(*flags):
            out = self.place.run("log", "--json", *flags).out
            return [json.loads(line)["id"] for line in out.splitlines()]
        self.assertEqual(len(ids()), 10)
        self.assertIn("by-hand", ids())
        self.assertEqual(ids("--recent", "1"), ["by-hand"])
        self.assertEqual(len(ids("--recent", "3")), 3)
        self.assertEqual(len(ids("--all")), 11)

    def test_json_has_the_contracts_keys(self):
        for row in self.place.log():
            self.assertEqual(list(row), ["v"] + COLUMNS)
        row = self.place.log("--failed")[0]
        self.assertEqual((row["v"], row["to"], row["code"], row["reason"], row["attempts"],
                          row["broadcast"], row["class_id"], row["test_num"], row["sender"]),
                         (1, number(2), 131026, "refused", 1, "week 1", "C2", "7", PHONE_ID))
        self.assertTrue(row["error"])

    def test_csv_has_the_same_columns(self):
        out = self.place.run("log", "--csv", "--all").out
        rows = list(csv.DictReader(io.StringIO(out, newline="")))
        self.assertEqual(list(rows[0]), COLUMNS)
        self.assertEqual(len(rows), 11)
        self.assertEqual({r["to"] for r in rows if r["state"] == "failed"}, {number(2)})
        refs = {r["ref"] for r in rows if r["broadcast"]}
        self.assertFalse(any(ref.startswith("=") for ref in refs), refs)

    def test_the_table_masks_numbers_and_counts(self):
        for flags in ((), ("--all",), ("--id", "by-hand"), ("--failed",)):
            out = self.place.run("log", *flags).out
            self.assertNotRegex(out, r"\+91980")
            self.assertIn("+9198******", out)
        lines = self.place.run("log", "--all").out.splitlines()
        self.assertEqual(len(lines), 12)
        self.assertRegex(lines[-1], "accepted 9 +failed 1 +unknown 1 +skipped 0")

    def test_an_id_shows_every_attempt(self):
        out = self.place.run("log", "--id", "by-hand").out
        self.assertRegex(out, r"attempt 1 .* accepted .*http=200 code=0")

    def test_nothing_was_ever_sent(self):
        result = self.box().run("log")
        self.assert_code(result, 66)
        self.assertIn("no ledger", result.err)


class Narrowed(EndToEnd):
    """A filter shows all that it lets through; without one it is the ten most recent."""

    def setUp(self):
        graph = self.mock(faults=[f"code=131026@to{number(i)}" for i in range(15)])
        self.installation = self.box(graph)
        file = self.installation.results("r.csv", 30, class_id="C-1", ref="R")
        self.assert_code(self.installation.run("broadcast", file, "--yes", "--name", "r"), 3)

    def test_each_filter(self):
        self.assertEqual(self.lines(), 10)
        for flags, count in ((("--failed",), 15), (("--sent",), 15), (("--state", "failed"), 15),
                             (("--code", "131026"), 15), (("--class", "C-1"), 30),
                             (("--test", "7"), 30), (("--broadcast", "r"), 30),
                             (("--since", "1h"), 30), (("--all",), 30)):
            with self.subTest(flags=flags):
                self.assertEqual(self.lines(*flags), count)

    def lines(self, *flags):
        """As many in each form."""
        run = self.installation.run
        table = sum(" +9198" in line for line in run("log", *flags).out.splitlines())
        self.assertEqual(table, len(run("log", "--json", *flags).out.splitlines()))
        self.assertEqual(table, len(run("log", "--csv", *flags).out.splitlines()) - 1)
        return table


class Retry(EndToEnd):
    def prepare(self, *faults):
        mock = self.mock(faults=faults)
        box = self.box(mock)
        box.run("broadcast", box.results("r.csv", 9), "--yes")
        return mock, box

    def test_only_failed_ones_after_a_yes(self):
        mock, box = self.prepare(f"code=131026@to{number(2)}@try1", f"noid@to{number(5)}")
        plan = box.run("retry")
        self.assert_code(plan, 64)
        self.assertIn("1 failed", plan.err)
        self.assertIn("--yes", plan.err)
        self.assertEqual(mock.stats()["received"], 9)
        self.assert_code(box.run("retry", "--yes", "--report", "again.json"), 0)
        self.assertEqual(json.loads((box.folder / "again.json").read_text())["states"]["accepted"],
                         1)
        self.assertEqual(mock.stats()["received"], 10)
        self.assertEqual(box.states()[number(2)]["attempts"], 2)
        self.assertEqual(count_states(box.log()), {"accepted": 8, "unknown": 1})
        nothing = box.run("retry", "--yes")
        self.assert_code(nothing, 0)
        self.assertIn("nothing to send", nothing.err)
        self.assertEqual(nothing.out, "")
        self.assertEqual(mock.stats()["received"], 10)

    def test_nothing_to_send_for_machines(self):
        _, box = self.prepare()
        result = box.run("retry", "--class", "C1", "--yes", "--json", "--report", "none.json")
        self.assert_code(result, 0)
        account = json.loads(result.out)
        self.assertEqual((account["v"], account["name"], account["end"], account["exit_code"]),
                         (1, "retry", "complete", 0))
        self.assertEqual(set(account["states"].values()), {0})
        self.assertEqual(json.loads((box.folder / "none.json").read_text()), account)

    def test_filters(self):
        mock, box = self.prepare("code=131026@try1")
        for flags, accepted in ((("--class", "nobody"), 0), (("--class", "C1"), 3),
                                (("--to", number(2)), 4), (("--code", "131047"), 4),
                                (("--broadcast", "other"), 4), (("--until", "1h"), 4),
                                (("--test", "7", "--broadcast", "r.csv"), 9)):
            with self.subTest(flags=flags):
                self.assert_code(box.run("retry", "--yes", *flags), 0)
                self.assertEqual(mock.stats()["accepted"], accepted)
        self.assert_never_twice(mock)

    def test_exit_codes(self):
        for fault, code in (("code=131026", 3), ("noid@try2", 4), ("code=190@try2", 77),
                            ("code=131031@try2", 5)):
            with self.subTest(fault=fault):
                mock, box = self.prepare(*([fault] if "try" not in fault else
                                           [fault, "code=131026@try1"]))
                self.assert_code(box.run("retry", "--yes"), code)

    def test_the_report_tells_of_this_run(self):
        """Codes and states are of the same messages: those that were sent again."""
        mock, box = self.prepare(f"code=131026@to{number(2)}", f"code=131026@to{number(3)}",
                                 f"noid@to{number(5)}@try1", f"noid@to{number(6)}")
        result = box.run("retry", "--code", "131026", "--to", number(2), "--yes")
        self.assert_code(result, 3)
        self.assertIn("  1 failed: code 131026, ", result.out)
        self.assertIn("      → Check the number", result.out)
        result = box.run("retry", "--unknown", "--broadcast", "r.csv", "--yes", "--report", "r.json")
        self.assert_code(result, 4)
        self.assertIn("2 possible duplicates", result.out)
        self.assertNotIn("131026", result.out)
        report = json.loads((box.folder / "r.json").read_text())
        self.assertEqual([(c["state"], c["reason"], c["count"]) for c in report["codes"]],
                         [("unknown", "bad_answer", 1)])
        self.assertEqual([u["to"] for u in report["unknown"]], [number(6)])
        self.assertEqual(report["states"]["unknown"], 1)
        self.assertEqual(report["possible_duplicates"], 2)

    def test_a_halted_retry_goes_on(self):
        mock, box = self.prepare("code=131026@n1-9", "code=190@n10")
        box.set({"http.max_in_flight": "1"})
        self.assert_code(box.run("retry", "--yes"), 77)
        waiting = count_states(box.log())
        self.assertEqual(set(waiting), {"waiting"})
        self.assert_code(box.run("retry", "--yes"), 0)
        self.assert_each_once(mock, box, 9)

    def test_nothing_was_ever_sent(self):
        self.assert_code(self.box().run("retry", "--yes"), 66)

    def leave_waiting(self, box, row, key):
        """A broadcast of one row, ended while it waits."""
        running = self.start(box, "broadcast", box.write_csv("w.csv", [row]), "--yes")
        wait_until(lambda: box.ledger.exists() and any(
            found["state"] == "waiting" and found["to"] == row["to"] and found["attempts"] == key
            for found in box.log()), "the message that waits")
        running.signal(signal.SIGINT)
        self.assert_code(running.finish(), 5)

    def test_what_is_not_due_is_left_to_wait(self):
        """Local time is said; where nothing was tried yet, nothing is left behind."""
        mock, box = self.prepare(f"code=131026@to{number(2)}@n1-9")
        scheduled = {"to": number(20), "params": '["A","B","C"]', "class_id": "later",
                     "not_before": "2036-01-01T00:00:00Z"}
        self.leave_waiting(box, scheduled, 0)
        india = {"TZ": "IST-5:30"}
        nothing = box.run("retry", "--yes", "--class", "later", env=india)
        self.assert_code(nothing, 0)
        until = "1 that wait are left to wait, the first until 2036-01-01 05:30:00 +0530"
        self.assertIn(until, nothing.err)
        result = box.run("retry", "--yes", "--json", env=india)
        self.assert_code(result, 0)
        self.assertIn(until, result.err)
        self.assertIn("1 failed messages are sent again, 0 that wait go on", result.err)
        self.assertEqual(json.loads(result.out)["states"],
                         {"accepted": 1, "failed": 0, "unknown": 0, "skipped": 0, "left": 0})
        self.assertEqual(count_states(box.log()), {"accepted": 9, "waiting": 1})

    def test_what_was_tried_and_is_not_due_is_work_left(self):
        mock = self.mock(faults=[f"code=131016,retry_after=3000@to{number(20)}",
                                 f"code=131026@to{number(1)}@try1"])
        box = self.box(mock)
        self.assert_code(box.run("broadcast", box.results("r.csv", 3), "--yes"), 3)
        self.leave_waiting(box, {"to": number(20), "params": '["A","B","C"]'}, 1)
        result = box.run("retry", "--yes", "--json")
        self.assert_code(result, 5)
        states = json.loads(result.out)["states"]
        self.assertEqual((states["accepted"], states["left"]), (1, 1))
        nothing = box.run("retry", "--yes")
        self.assert_code(nothing, 5)
        self.assertIn("1 that wait are left to wait", nothing.err)
        self.assertEqual(mock.stats()["received"], 5)

    def test_what_waits_and_is_due_goes_on_whatever_was_known_of_it(self):
        """A filter by code opens what failed so; it does not take others in its place."""
        mock, box = self.prepare("code=131026@n1-9", "code=190@n10")
        box.set({"http.max_in_flight": "1"})
        self.assert_code(box.run("retry", "--yes", "--to", number(0)), 77)
        result = box.run("retry", "--yes", "--code", "131026", "--to", number(5))
        self.assert_code(result, 0)
        self.assertIn("1 failed messages are sent again, 0 that wait go on", result.err)
        self.assertEqual(box.states()[number(5)]["state"], "accepted")
        self.assertEqual(box.states()[number(0)]["state"], "waiting")
        result = box.run("retry", "--yes", "--code", "131026")
        self.assert_code(result, 0)
        self.assertIn("7 failed messages are sent again, 1 that wait go on", result.err)
        self.assert_each_once(mock, box, 9)

    def test_states_that_cannot_be_taken(self):
        mock, box = self.prepare(f"code=131026@to{number(2)}@try1", f"noid@to{number(5)}")
        for command in (("retry", "--state", "accepted"), ("retry", "--state", "failed,unknown"),
                        ("retry", "--unknown", "--state", "failed"),
                        ("reconcile", "--resend", "--state", "failed"),
                        ("reconcile", "--state", "failed"),
                        ("reconcile", "--give-up", "--state", "accepted")):
            with self.subTest(command=command):
                self.assert_code(box.run(*command, *(("--yes",) if len(command) > 3 else ())), 64)
        self.assertEqual(mock.stats()["received"], 9)
        self.assert_code(box.run("retry", "--yes", "--state", "waiting"), 0)
        self.assertEqual(mock.stats()["received"], 9)
        self.assert_code(box.run("retry", "--yes", "--state", "failed"), 0)
        self.assertEqual(mock.stats()["received"], 10)

    def test_nothing_where_the_filter_matched_nothing(self):
        mock, box = self.prepare(f"code=131026@to{number(2)}@try1", f"noid@to{number(5)}")
        for command, state in (("retry", "failed"), ("reconcile", "unknown")):
            flags = ("--resend",) if command == "reconcile" else ()
            nothing = box.run(command, *flags, "--yes", "--class", "nobody")
            self.assert_code(nothing, 0)
            self.assertIn(f"Nothing that the filter lets through is {state}", nothing.err)
        self.assertEqual(mock.stats()["received"], 9)

    def test_a_name_that_nobody_has_is_no_good_news(self):
        """What is not failed, or not unknown, of a mistyped broadcast says nothing of the right
        one."""
        _, box = self.prepare()
        for command in (("log", "--failed"), ("log", "--count"), ("log", "--json"), ("reconcile",),
                        ("reconcile", "--sent", "--yes"), ("retry", "--yes")):
            with self.subTest(command=command):
                mistyped = box.run(*command, "--broadcast", "resluts")
                self.assert_code(mistyped, 0)
                self.assertIn(f"no message on record in {box.ledger} fits --broadcast resluts\n",
                              mistyped.err)
                right = box.run(*command, "--class", "C0")
                self.assertNotIn("fits", right.err)


if __name__ == "__main__":
    unittest.main()
