# SPDX-License-Identifier: MIT
"""`send`, `broadcast` and `retry` while a daemon holds the ledger, and what reaches a run by its
control socket."""
import json
import signal
import socket
import sqlite3
import threading
import unittest

from daemon_box import WithDaemon
from harness import count_states, number, skipped, wait_until

PARAMS = ("Asha", "Physics", "https://exam.example/r/1")


def status(box):
    return json.loads(box.run("status", "--json").out)


class Drained(WithDaemon):
    """A daemon of our own, which begins to drain when it has taken one batch."""

    def answer(self, box, question):
        if question["op"] == "status":
            return {"kind": "daemon", "state": "running", "ledger": {"path": str(box.ledger)},
                    "rate": {"allowed": 100}, "halts": []}
        if question["op"] == "broadcast":
            return {"before": 1}
        self.batches += 1
        if self.batches > 1:
            return {"ok": False, "code": 75, "error": "the daemon is draining: it takes nothing new"}
        return {"admissions": "n" * len(question["messages"])}

    def serve(self, box, listener):
        peer, _ = listener.accept()
        with peer, peer.makefile("rw") as lines:
            for line in lines:
                answer = {"v": 1, "ok": True, **self.answer(box, json.loads(line))}
                lines.write(json.dumps(answer) + "\n")
                lines.flush()

    def test_what_is_refused_midway_is_work_left(self):
        box, self.batches = self.box(self.mock()), 0
        self.assert_code(box.run("send", number(9999), *PARAMS), 0)  # it makes the ledger
        file = box.results("r.csv", 300)
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(f"{box.ledger}.sock")
            listener.listen()
            listener.settimeout(60)
            server = threading.Thread(target=self.serve, args=(box, listener))
            server.start()
            result = box.run("broadcast", file, "--yes")
            server.join()
        self.assert_code(result, 5)
        self.assertIn("the same command goes on; why: the daemon is draining", result.err)
        self.assertEqual(self.batches, 2)


class Send(WithDaemon):
    def test_a_message_goes_through_the_daemon(self):
        mock = self.mock()
        box = self.daemon_box(mock)
        daemon = self.start_daemon(box)
        # the daemon has the token: the command does without
        sent = box.run("send", number(1), *PARAMS, "--set", "token.file=/nowhere")
        self.assert_code(sent, 0)
        self.assertIn("accepted wamid.", sent.out)
        self.assertIn(f"to={number(1)[:5]}", daemon.err())
        failing = box.run("send", number(2), *PARAMS, "--id", "one")
        self.assert_code(failing, 0)
        again = box.run("send", number(2), *PARAMS, "--id", "one")
        self.assert_code(again, 0)
        self.assertIn("on record already", again.err)
        other = box.run("send", number(3), *PARAMS, "--id", "one")
        self.assert_code(other, 3)
        self.assertIn("id_reused", other.err)
        self.stop_daemon(daemon)
        self.assert_each_once(mock, box, 2)

    def test_an_id_with_other_content_is_rejected(self):
        mock = self.mock()
        box = self.daemon_box(mock)
        daemon = self.start_daemon(box)
        self.assert_code(box.run("send", number(1), *PARAMS, "--id", "x1"), 0)
        reused = box.run("send", number(2), *PARAMS, "--id", "x1")
        self.assert_code(reused, 3)
        self.assertIn("x1: rejected id_reused", reused.out)
        self.stop_daemon(daemon)
        self.assertEqual(mock.stats()["accepted"], 1)

    def test_a_refusal_is_told(self):
        mock = self.mock("--fault", "code=131026")
        box = self.daemon_box(mock)
        daemon = self.start_daemon(box)
        sent = box.run("send", number(1), *PARAMS)
        self.assert_code(sent, 3)
        self.assertIn("failed code 131026", sent.out)
        self.stop_daemon(daemon)

    def test_cancelled_while_it_waits_is_no_success(self):
        mock = self.mock(faults=["code=2"])
        box = self.daemon_box(mock, {"retry.base_ms": "3600000", "retry.max_ms": "3600000"})
        daemon = self.start_daemon(box)
        client = self.start(box, "send", number(1), *PARAMS, "--id", "x1")
        wait_until(lambda: [r["state"] for r in box.log() if r["attempts"]] == ["waiting"],
                   "the refusal")
        self.assert_code(box.run("cancel", "--yes"), 0)
        result = client.finish()
        self.assert_code(result, 5)
        self.assertIn("x1: skipped cancelled", result.out)
        self.stop_daemon(daemon)

    def test_a_held_daemon_keeps_it(self):
        mock = self.mock()
        box = self.daemon_box(mock)
        daemon = self.start_daemon(box)
        self.assert_code(box.run("pause"), 0)
        sent = box.run("send", number(1), *PARAMS)
        self.assert_code(sent, 5)
        self.assertIn("the daemon is paused", sent.err)
        self.assertIn("waiting", sent.out)
        self.assertEqual(mock.stats()["accepted"], 0)
        self.assert_code(box.run("resume"), 0)
        wait_until(lambda: mock.stats()["accepted"] == 1, "the message that waited")
        self.stop_daemon(daemon)
        self.assert_each_once(mock, box, 1)


class Broadcast(WithDaemon):
    def test_every_row_once_with_an_account(self):
        mock = self.mock()
        box = self.daemon_box(mock)
        daemon = self.start_daemon(box)
        file = box.results("results.csv", 2000)
        result = box.run("broadcast", file, "--expect-count", "2000", "--report", "report.json",
                         "--set", "token.file=/nowhere")
        self.assert_code(result, 0)
        self.assertIn("results.csv: complete", result.out)
        self.assertIn("2,000 of 2,000", result.err)
        report = json.loads((box.folder / "report.json").read_text())
        self.assertEqual(report["states"]["accepted"], 2000)
        self.assertNotIn("latency_ms", report)
        for more in ((), ("--accept-changes",)):
            again = box.run("broadcast", file, "--yes", *more)
            self.assert_code(again, 0)
            self.assertIn("complete: nothing to send", again.err)
            self.assertIn("progress results.csv: 2,000 of 2,000 (100.0 %)", again.err)
        self.assert_code(box.run("broadcast", box.results("results.csv", 3), "--yes"), 65)
        self.stop_daemon(daemon)
        self.assert_each_once(mock, box, 2000)
        box.results("results.csv", 2000)
        alone = box.run("broadcast", file, "--yes")  # without a daemon it is the same broadcast
        self.assert_code(alone, 0)
        self.assertIn("complete: nothing to send", alone.err)

    def test_ctrl_c_leaves_it_to_the_daemon(self):
        mock = self.mock()
        box = self.daemon_box(mock, {"rate.messages_per_second": "400"})
        daemon = self.start_daemon(box)
        file = box.results("results.csv", 2000)
        client = self.start(box, "broadcast", file, "--yes")
        # all of it is on record before it is watched
        wait_until(lambda: len(box.log()) == 2000, "the hand-over")
        client.signal(signal.SIGINT)
        result = client.finish()
        self.assert_code(result, 5)
        self.assertIn("the daemon goes on with it; to hold it: tidings pause ", result.err)
        self.assertIn("tidings log --broadcast results.csv", result.err)
        rest = box.run("broadcast", file, "--yes")
        self.assert_code(rest, 0)
        self.assertIn("results.csv: complete", rest.out)
        self.stop_daemon(daemon)
        self.assert_each_once(mock, box, 2000)

    def test_one_rate_for_all(self):
        mock = self.mock()
        box = self.daemon_box(mock, {"rate.messages_per_second": "100"})
        daemon = self.start_daemon(box)
        refused = box.run("broadcast", box.results("a.csv", 10), "--yes", "--rate", "500")
        self.assert_code(refused, 64)
        self.assertIn("its rate holds for all", refused.err)
        first = self.start(box, "broadcast", box.results("a.csv", 150), "--yes")
        second = box.run("broadcast", box.results("b.csv", 150, first=1000), "--yes")
        self.assert_code(second, 0)
        self.assert_code(first.finish(), 0)
        self.assertLessEqual(mock.stats()["highest_second"], 100)
        self.stop_daemon(daemon)
        self.assert_each_once(mock, box, 300)

    def test_the_daemon_is_killed_in_the_middle(self):
        mock = self.mock()
        box = self.daemon_box(mock, {"rate.messages_per_second": "400"})
        daemon = self.start_daemon(box)
        file = box.results("results.csv", 2000)
        client = self.start(box, "broadcast", file, "--yes")
        wait_until(lambda: len(box.log()) >= 300 and mock.stats()["accepted"] > 20, "a part")
        daemon.signal(signal.SIGKILL)
        daemon.finish()
        result = client.finish()
        self.assert_code(result, 5)
        self.assertIn("same command", result.err)
        daemon = self.start_daemon(box)
        rest = box.run("broadcast", file, "--yes")
        self.assertIn(rest.code, (0, 4), rest)  # what was on the wire is unknown
        self.stop_daemon(daemon)
        self.assert_never_twice(mock)
        rows = box.log()
        self.assertEqual(len(rows), 2000)
        self.assertLessEqual({r["state"] for r in rows}, {"accepted", "unknown"})

    def test_without_the_daemon_it_goes_on_alone(self):
        mock = self.mock()
        box = self.daemon_box(mock)
        daemon = self.start_daemon(box)
        self.assert_code(box.run("pause"), 0)
        file = box.results("results.csv", 500)
        client = self.start(box, "broadcast", file, "--yes")
        wait_until(lambda: len(box.log()) == 500, "the hand-over")
        client.wait_for("the daemon is paused")
        self.stop_daemon(daemon)
        ended = client.finish()
        self.assert_code(ended, 5)
        self.assertIn("the daemon has ended", ended.err)
        held = box.run("broadcast", file, "--yes")
        self.assert_code(held, 5)
        self.assertIn("sending is paused since", held.err)
        self.assert_code(box.run("resume"), 0)
        self.assert_code(box.run("broadcast", file, "--yes"), 0)
        self.assert_each_once(mock, box, 500)

    def test_pause_resume_and_cancel_by_name(self):
        mock = self.mock()
        box = self.daemon_box(mock, {"rate.messages_per_second": "100"})
        daemon = self.start_daemon(box)
        file = box.results("results.csv", 1000)
        client = self.start(box, "broadcast", file, "--yes")
        wait_until(lambda: mock.stats()["accepted"] >= 10, "the first ten")
        self.assert_code(box.run("pause", "results.csv"), 0)
        client.wait_for("this broadcast is paused")
        held = box.run("broadcast", file, "--yes")
        self.assert_code(held, 5)
        self.assertIn("is paused: `tidings resume results.csv`", held.err)
        self.assert_code(box.run("send", number(5000), *PARAMS), 0)  # others go on
        self.assert_code(box.run("resume", "results.csv"), 0)
        before = mock.stats()["accepted"]
        wait_until(lambda: mock.stats()["accepted"] >= before + 10, "ten more")
        self.assert_code(box.run("cancel", "results.csv", "--yes"), 0)
        result = client.finish()
        self.assert_code(result, 5)
        self.assertIn("results.csv: cancelled", result.out)
        refused = box.run("broadcast", file, "--yes")
        self.assert_code(refused, 65)
        self.assertIn("cancelled: that is final", refused.err)
        self.stop_daemon(daemon)
        self.assertEqual(skipped(daemon.err(), "cancelled"),
                         sorted(row["id"] for row in box.log("--state", "skipped")))
        states = count_states([r for r in box.log() if r["broadcast"] == "results.csv"])
        self.assertEqual(set(states), {"accepted", "skipped"})
        self.assertEqual(sum(states.values()), 1000)
        self.assert_never_twice(mock)

    def test_cancelled_stays_cancelled(self):
        mock = self.mock()
        box = self.daemon_box(mock)
        daemon = self.start_daemon(box)
        file = box.results("results.csv", 10)
        self.assert_code(box.run("broadcast", file, "--yes", "--limit", "5"), 0)
        self.assert_code(box.run("cancel", "results.csv", "--yes"), 0)
        for restart in (False, True):
            if restart:
                self.stop_daemon(daemon)
                daemon = self.start_daemon(box)
            for op in ("pause", "resume"):
                refused = box.run(op, "results.csv")
                self.assert_code(refused, 64)
                self.assertIn("cancelled: that is final", refused.err)
            refused = box.run("broadcast", file, "--yes")
            self.assert_code(refused, 65)
            self.assertIn("cancelled: that is final", refused.err)
        self.stop_daemon(daemon)
        self.assert_each_once(mock, box, 5)

    def test_a_cancellation_counts_what_the_daemon_had_taken_up(self):
        mock = self.mock()
        box = self.daemon_box(mock, {"rate.messages_per_second": "300",
                                     "ledger.intent_ahead_ms": "1000"})
        daemon = self.start_daemon(box)
        client = self.start(box, "broadcast", box.results("results.csv", 300), "--yes")
        wait_until(lambda: len(box.log()) == 300, "the hand-over")
        cancelled = box.run("cancel", "results.csv", "--yes")
        self.assert_code(cancelled, 0)
        self.assert_code(client.finish(), 5)
        self.stop_daemon(daemon)
        skipped = count_states(box.log())["skipped"]
        said = int(cancelled.out.split(": ")[1].split()[0].replace(",", ""))
        self.assertGreater(said, skipped // 2)  # but not what comes back from the wire later
        self.assertLessEqual(said, skipped)

    def test_a_mistyped_name_is_told(self):
        mock = self.mock()
        box = self.daemon_box(mock)
        daemon = self.start_daemon(box)
        self.assert_code(box.run("broadcast", box.results("results.csv", 5), "--yes"), 0)
        self.assert_code(box.run("broadcast", box.results("mixed.csv", 5, first=5,
                                                          broadcast="inner"), "--yes"), 0)
        for op in ("pause", "resume", "cancel"):
            for name in ("results.csv", "inner"):
                self.assertNotIn("on record", box.run(op, name).out)
            told = box.run(op, "results.cvs" + op)
            self.assert_code(told, 0)
            self.assertIn("no broadcast of this name was on record", told.out)
            self.assertNotIn("on record", box.run(op).out)
        self.stop_daemon(daemon)

    def test_resumed_under_the_kill_switch(self):
        mock = self.mock()
        box = self.daemon_box(mock, {"whatsapp.enabled": "false"})
        daemon = self.start(box, "run")
        daemon.wait_for("state=disabled")
        for name in ((), ("results.csv",)):
            resumed = box.run("resume", *name)
            self.assert_code(resumed, 0)
            self.assertIn("sending is switched off (whatsapp.enabled", resumed.out)
        self.stop_daemon(daemon)
        self.assertIn("switched off", box.run("resume").out)

    def test_cancelled_with_everything_it_is_not_complete(self):
        mock = self.mock()
        box = self.daemon_box(mock)
        daemon = self.start_daemon(box)
        self.assert_code(box.run("pause"), 0)
        client = self.start(box, "broadcast", box.results("results.csv", 30), "--yes")
        wait_until(lambda: len(box.log()) == 30, "the hand-over")
        client.wait_for("the daemon is paused")
        self.assert_code(box.run("cancel", "--yes"), 0)
        result = client.finish()
        self.assert_code(result, 5)
        self.assertIn("results.csv: ended, some were cancelled", result.out)
        self.stop_daemon(daemon)
        self.assertEqual(count_states(box.log()), {"skipped": 30})

    def test_progress_counts_old_and_new_rows(self):
        mock = self.mock()
        box = self.daemon_box(mock)
        daemon = self.start_daemon(box)
        self.assert_code(box.run("broadcast", box.results("results.csv", 10), "--yes"), 0)
        changed = box.results("results.csv", 20, first=5)
        result = box.run("broadcast", changed, "--yes", "--accept-changes")
        self.assert_code(result, 0)
        self.assertIn("progress results.csv: 25 of 25 (100.0 %)", result.err)
        self.stop_daemon(daemon)

    def test_progress_where_most_rows_are_anothers(self):
        mock = self.mock()
        box = self.daemon_box(mock)
        daemon = self.start_daemon(box)
        for label, flags in (("1", ()), ("2", ("--accept-changes",))):
            rows = [{"to": number(i), "params": '["A","B","C"]', "class_id": label,
                     "broadcast": "other" if i else ""} for i in range(3)]
            result = box.run("broadcast", box.write_csv("r.csv", rows), "--yes", *flags)
            self.assert_code(result, 0)
            self.assertIn("progress r.csv: 1 of 1 (100.0 %)", result.err)
        self.stop_daemon(daemon)

    def test_reused_ids_and_rejected_rows_count(self):
        mock = self.mock()
        box = self.daemon_box(mock)
        daemon = self.start_daemon(box)
        rows = [{"id": f"r{i}", "to": number(i), "params": '["A","B","C"]'} for i in range(5)]
        self.assert_code(box.run("broadcast", box.write_csv("a.csv", rows), "--yes"), 0)
        rows[0]["params"] = '["Z","B","C"]'
        changed = box.run("broadcast", box.write_csv("b.csv", rows + [
            {"id": "r9", "to": number(9), "params": '["A","B","C"]'}]), "--yes")
        self.assert_code(changed, 3)
        self.assertIn("reason=id_reused", changed.err)
        self.assertIn("1 rejected: id_reused, the ledger has these ids", changed.out)
        self.assertIn("4 on record: their ids are known from elsewhere", changed.out)
        self.assertIn("r1, r2, r3, ...; to look: tidings log --id r1\n", changed.out)
        self.assertIn("r0,", (box.folder / "b.csv.rejected.csv").read_text())
        own = box.run("broadcast", "a.csv", "--yes", "--accept-changes", "--param", "",
                      "--json")
        self.assertEqual(json.loads(own.out)["on_record"], 0)
        self.stop_daemon(daemon)
        self.assert_each_once(mock, box, 6)

    def test_limit(self):
        mock = self.mock()
        box = self.daemon_box(mock)
        daemon = self.start_daemon(box)
        file = box.results("results.csv", 50)
        self.assert_code(box.run("broadcast", file, "--yes", "--limit", "20"), 0)
        self.assertEqual(mock.stats()["accepted"], 20)
        self.assert_code(box.run("broadcast", file, "--yes"), 0)
        self.stop_daemon(daemon)
        self.assert_each_once(mock, box, 50)


class Retry(WithDaemon):
    def test_the_failed_go_again(self):
        mock = self.mock("--fault", "code=131026")
        box = self.daemon_box(mock)
        daemon = self.start_daemon(box)
        failed = box.run("broadcast", box.results("results.csv", 100), "--yes")
        self.assert_code(failed, 3)
        self.assertIn("131026", failed.out)
        failed = box.run("retry", "--yes")
        self.assert_code(failed, 3)
        self.assertIn("  100 failed: code 131026, ", failed.out)
        self.stop_daemon(daemon)
        sound = self.mock()
        box.talk_to(sound)
        daemon = self.start_daemon(box)
        again = box.run("retry", "--broadcast", "results.csv", "--yes")
        self.assert_code(again, 0)
        self.assertIn("retry: complete", again.out)
        nothing = box.run("retry", "--yes")
        self.assert_code(nothing, 0)
        self.assertIn("nothing to send", nothing.err)
        self.stop_daemon(daemon)
        self.assert_each_once(sound, box, 100)


# What does not say what it means: never "everything".
WRONG = ('{"op":"cancel","broadcast":null}', '{"op":"pause","broadcast":5}',
         '{"op":"resume","brodcast":"x"}', '{"op":"cancel","broadcast":""}',
         '{"op":"cancel","broadcast":["x"]}', '{"op":"drain","broadcast":"x"}',
         '{"op":"pause","broadcast":"' + 129 * "x" + '"}')


class Questions(WithDaemon):
    def refuse_wrong_ones(self, box):
        for question in WRONG:
            with self.subTest(question=question):
                answer = box.ask(question)
                self.assertEqual((answer["ok"], answer.get("code")), (False, 64), answer)
        self.assertEqual(status(box)["state"], "running")

    def test_a_daemon_refuses_what_is_not_right(self):
        mock = self.mock()
        box = self.daemon_box(mock)
        daemon = self.start_daemon(box)
        self.refuse_wrong_ones(box)
        for question in ({"op": "open_again", "states": ["failed", "sent"], "numbers": [1]},
                         {"op": "broadcast", "broadcast": "x", "state": "open"}):
            self.assertEqual(box.ask(question).get("code"), 64)
        self.assert_code(box.run("send", number(1), *PARAMS), 0)
        self.stop_daemon(daemon)
        self.assert_each_once(mock, box, 1)

    def test_a_run_refuses_what_is_not_right(self):
        mock = self.mock()
        box = self.box(mock, {"rate.messages_per_second": "100"})
        run = self.start(box, "broadcast", box.results("results.csv", 300), "--yes")
        wait_until(lambda: mock.stats()["accepted"] >= 5, "the first five")
        self.refuse_wrong_ones(box)
        self.assert_code(run.finish(), 0)
        self.assert_each_once(mock, box, 300)

    def test_a_ledger_with_a_nameless_broadcast(self):
        """As an older version wrote one: it is nobody's."""
        mock = self.mock()
        box = self.daemon_box(mock)
        self.assert_code(box.run("send", number(1), *PARAMS), 0)
        with sqlite3.connect(box.ledger) as ledger:
            ledger.execute("INSERT INTO broadcast VALUES(0, 3, NULL, NULL, 1)")
        ledger.close()
        daemon = self.start_daemon(box)
        self.assert_code(box.run("send", number(2), *PARAMS), 0)
        self.assert_code(box.run("broadcast", box.results("new.csv", 5, first=3), "--yes"), 0)
        self.stop_daemon(daemon)
        self.assert_code(box.run("send", number(8), *PARAMS), 0)
        self.assert_code(box.run("broadcast", box.results("newer.csv", 5, first=9), "--yes"), 0)
        self.assert_each_once(mock, box, 13)


class OneHolder(WithDaemon):
    def test_what_is_not_due_is_not_waited_for(self):
        mock = self.mock(faults=[f"code=131026@to{number(1)}@try1"])
        box = self.daemon_box(mock)
        daemon = self.start_daemon(box)
        self.assert_code(box.run("broadcast", box.results("r.csv", 3), "--yes"), 3)
        later = {"to": number(20), "params": '["A","B","C"]', "not_before": "2036-01-01T00:00:00Z"}
        client = self.start(box, "broadcast", box.write_csv("later.csv", [later]), "--yes")
        wait_until(lambda: len(box.log()) == 4, "the hand-over")
        client.signal(signal.SIGINT)
        self.assert_code(client.finish(), 5)
        nothing = box.run("retry", "--yes", "--to", number(20))
        self.assert_code(nothing, 0)
        self.assertIn("the first until 2036-01-01", nothing.err)
        self.assert_code(box.run("retry", "--yes"), 0)
        self.stop_daemon(daemon)
        self.assertEqual(count_states(box.log()), {"accepted": 3, "waiting": 1})

    def test_a_second_daemon_is_told_who_holds_it(self):
        mock = self.mock()
        box = self.daemon_box(mock)
        daemon = self.start_daemon(box)
        second = box.run("run")
        self.assert_code(second, 75)
        self.assertIn(str(daemon.pid), second.err)
        self.stop_daemon(daemon)

    def test_a_second_broadcast_is_told_who_holds_it(self):
        mock = self.mock()
        box = self.box(mock, {"rate.messages_per_second": "50"})
        first = self.start(box, "broadcast", box.results("a.csv", 500), "--yes")
        wait_until(lambda: mock.stats()["accepted"] > 0, "the first message")
        second = box.run("broadcast", box.results("b.csv", 5), "--yes")
        self.assert_code(second, 75)
        self.assertIn(str(first.pid), second.err)
        first.signal(signal.SIGTERM)
        self.assert_code(first.finish(), 5)


class Alone(WithDaemon):
    """A broadcast without a daemon, asked over its control socket."""

    def begin(self, rows=2000):
        mock = self.mock()
        box = self.box(mock, {"rate.messages_per_second": "200"})
        file = box.results("results.csv", rows)
        run = self.start(box, "broadcast", file, "--yes")
        wait_until(lambda: mock.stats()["accepted"] >= 5, "the first five")
        return mock, box, file, run

    def test_status_and_drain(self):
        mock, box, file, run = self.begin()
        seen = status(box)
        self.assertEqual((seen["kind"], seen["state"], seen["pid"]), ("broadcast", "running",
                                                                      run.pid))
        self.assertEqual(seen["broadcasts"][0]["name"], "results.csv")
        self.assert_code(box.run("drain"), 0)
        self.assert_code(run.finish(), 5)
        self.assertFalse(box.ledger.with_name("ledger.db.sock").exists())
        box.set({"rate.messages_per_second": "unlimited"})
        self.assert_code(box.run("broadcast", file, "--yes"), 0)
        self.assert_each_once(mock, box, 2000)

    def test_paused_it_stays_and_goes_on(self):
        for name in ((), ("results.csv",)):
            with self.subTest(name=name):
                mock, box, file, run = self.begin(400)
                self.assert_code(box.run("pause", *name), 0)
                self.assertEqual(status(box)["state"], "paused")
                wait_until(lambda: status(box)["in_flight"] == 0, "what was in flight")
                held = mock.stats()["accepted"]
                self.assertLess(held, 400)
                self.assertFalse(run.has_ended())
                self.assertEqual(mock.stats()["accepted"], held)
                self.assert_code(box.run("resume", *name), 0)
                self.assert_code(run.finish(), 0)
                self.assert_each_once(mock, box, 400)

    def test_paused_and_ended_it_is_still_paused(self):
        for name in ((), ("results.csv",)):
            with self.subTest(name=name):
                mock, box, file, run = self.begin(400)
                self.assert_code(box.run("pause", *name), 0)
                run.signal(signal.SIGTERM)
                self.assert_code(run.finish(), 5)
                held = box.run("broadcast", file, "--yes")
                self.assert_code(held, 5)
                self.assertIn("tidings resume", held.err)
                self.assert_code(box.run("resume", *name), 0)
                self.assert_code(box.run("broadcast", file, "--yes"), 0)
                self.assert_each_once(mock, box, 400)

    def test_cancelled_it_ends_for_good(self):
        for name in ((), ("results.csv",)):
            with self.subTest(name=name):
                mock, box, file, run = self.begin()
                self.assert_code(box.run("cancel", *name, "--yes"), 0)
                result = run.finish()
                self.assert_code(result, 5)
                self.assertIn("results.csv: cancelled", result.out)
                self.assertEqual(skipped(result.err, "cancelled"),
                                 sorted(row["id"] for row in box.log("--state", "skipped")))
                self.assertLessEqual(set(count_states(box.log())), {"accepted", "skipped"})
                self.assert_code(box.run("broadcast", file, "--yes"), 65)
                self.assert_never_twice(mock)

    def test_paused_and_then_cancelled_the_report_agrees(self):
        mock, box, file, run = self.begin()
        self.assert_code(box.run("pause"), 0)
        wait_until(lambda: status(box)["in_flight"] == 0, "what was in flight")
        self.assert_code(box.run("cancel", "results.csv", "--yes"), 0)
        result = run.finish()
        self.assert_code(result, 5)
        skipped = count_states(box.log()).get("skipped", 0)  # those whose intent was taken back
        if skipped:
            self.assertRegex(result.out, rf"skipped +{skipped}\n")
        self.assertRegex(result.out, r"never sent +1,\d\d\d\n")
        self.assertNotIn("goes on", result.out)
        self.assertNotIn("not yet sent", result.out)

    def test_another_one_that_is_cancelled_stays_so(self):
        mock, box, file, run = self.begin()
        cancelled = box.run("cancel", "other", "--yes")
        self.assert_code(cancelled, 0)
        self.assertIn("no broadcast of this name was on record", cancelled.out)
        for op in ("pause", "resume"):
            self.assert_code(box.run(op, "other"), 64)
        run.signal(signal.SIGTERM)
        self.assert_code(run.finish(), 5)
        self.assert_code(box.run("resume", "other"), 64)


class WithNothingRunning(WithDaemon):
    def test_pause_and_resume_write_the_ledger(self):
        mock = self.mock()
        box = self.box(mock)
        file = box.results("results.csv", 20)
        self.assert_code(box.run("broadcast", file, "--yes", "--limit", "5"), 0)
        for name in ((), ("results.csv",)):
            self.assert_code(box.run("pause", *name), 0)
            self.assert_code(box.run("broadcast", file, "--yes"), 5)
            self.assert_code(box.run("resume", *name), 0)
        self.assert_code(box.run("broadcast", file, "--yes"), 0)
        self.assert_each_once(mock, box, 20)

    def test_cancel_skips_what_waits(self):
        mock = self.mock()
        box = self.daemon_box(mock)
        daemon = self.start_daemon(box)
        self.assert_code(box.run("pause"), 0)
        client = self.start(box, "broadcast", box.results("results.csv", 30), "--yes")
        wait_until(lambda: len(box.log()) == 30, "the hand-over")
        self.stop_daemon(daemon)
        self.assert_code(client.finish(), 5)
        cancelled = box.run("cancel", "results.csv", "--yes")
        self.assert_code(cancelled, 0)
        self.assertIn("30 messages", cancelled.out)
        self.assertEqual(count_states(box.log()), {"skipped": 30})
        self.assert_code(box.run("resume", "results.csv"), 64)
        self.assert_code(box.run("drain"), 69)
        self.assert_code(box.run("status"), 69)


if __name__ == "__main__":
    unittest.main()
