# SPDX-License-Identifier: MIT
"""status, pause, resume, cancel and drain against a process that speaks the control protocol as
docs/guide.md has it, and against none."""
import json
import signal
import socket
import subprocess
import sys
import unittest

import harness

STATUS = {"v": 1, "ok": True, "state": "running", "since": "2026-04-02T09:30:00.000Z", "pid": 4711,
          "version": "9.9.9", "now": "2026-04-02T09:31:00.000Z", "uptime_s": 60, "accepted": 12345,
          "failed": 3, "unknown": 0, "skipped": 1, "in_flight": 30, "waiting": 2, "parked": 0,
          "rate": {"allowed": 1000.0, "actual": 998.0}, "unknown_total": 4,
          "codes": [{"code": 131026, "count": 3}],
          "halts": [{"kind": "template", "what": "template results_update (en_US)",
                     "code": 132015, "hint": "mend it in \u001b[31mWhatsApp Manager",
                     "since": "2026-04-02T09:30:30.000Z"}],
          "broadcasts": [{"name": "results", "state": "open", "total": 100, "accepted": 50,
                          "failed": 0, "unknown": 0, "skipped": 0, "waiting": 50}]}
ECHO = {"pause": "paused", "resume": "resumed", "cancel": "cancelled"}


def answer_to(question, served):
    """What the daemon of these tests says; None: it ends."""
    op = question["op"]
    if op == "status":
        served["statuses"] = served.get("statuses", 0) + 1
        if served["statuses"] > served["most"]:
            return None
        return STATUS
    if op == "drain":
        if served["ends"]:
            served["most"] = served.get("statuses", 0) + 1  # one more look, then the end
        return {"ok": True}
    if question.get("broadcast") == "nobody":
        return {"ok": False, "code": 66, "error": "there is no broadcast nobody"}
    return {"ok": True, "text": f"{ECHO[op]} {question.get('broadcast', 'everything')}"}


def serve(path, most, ends):
    """A daemon: a process of its own, which ends where answer_to says so."""
    served = {"most": most, "ends": ends}
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen()
        print("listening", flush=True)
        while True:
            peer, _ = listener.accept()
            with peer, peer.makefile("rw") as lines:
                for line in lines:
                    answer = answer_to(json.loads(line), served)
                    if answer is None:
                        return
                    lines.write(json.dumps(answer, separators=(",", ":")) + "\n")
                    lines.flush()


class Control(harness.EndToEnd):
    def setUp(self):
        self.own = self.box(seal=False)
        self.path = str(self.own.folder / "control.sock")

    def daemon(self, most=1000, ends="ends"):
        command = [sys.executable, "-B", __file__, "--serve", self.path, str(most), ends]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        self.assertEqual(process.stdout.readline(), "listening\n")
        return process

    def ask(self, *arguments):
        return self.own.run(*arguments, "--set", "control.socket=" + self.path)

    def test_status(self):
        self.daemon()
        result = self.ask("status")
        self.assert_code(result, 0)
        for piece in ("tidings 9.9.9 (pid 4711): running", "998/s of 1000", "accepted 12,345",
                      "template results_update (en_US) (code 132015)", "3 x 131026",
                      "50/100   50.0 %", "4 in the ledger"):
            self.assertIn(piece, result.out)
        self.assertNotIn("\u001b", result.out)

    def test_status_as_json_is_what_the_daemon_says(self):
        self.daemon()
        result = self.ask("status", "--json")
        self.assert_code(result, 0)
        self.assertEqual(json.loads(result.out), STATUS)
        self.assertEqual(result.out.count("\n"), 1)

    def test_watching_ends_with_the_daemon(self):
        self.daemon(most=2)
        result = self.ask("status", "--watch")
        self.assert_code(result, 69)
        lines = result.out.splitlines()
        self.assertEqual(len(lines), 2)
        self.assertIn("running, rate 998/s of 1000   accepted 12,345", lines[0])
        self.assertIn("the daemon has ended", result.err)

    def test_operations(self):
        self.daemon()
        for op, said in ECHO.items():
            result = self.ask(op, "results")
            self.assert_code(result, 0)
            self.assertEqual(result.out, said + " results\n")
            result = self.ask(op)
            self.assertEqual(result.out, said + " everything\n")
        result = self.ask("pause", "results", "--json")
        self.assertEqual(json.loads(result.out), {"v": 1, "op": "pause", "text": "paused results"})
        result = self.ask("pause", "nobody")
        self.assert_code(result, 66)
        self.assertIn("there is no broadcast nobody", result.err)

    def test_drain_waits_for_the_end_of_the_process(self):
        process = self.daemon()
        result = self.ask("drain")
        self.assert_code(result, 0)
        self.assertEqual(result.out.splitlines()[-1], "the daemon has ended")
        self.assertEqual(process.wait(), 0)

    def test_drain_gives_up_waiting(self):
        self.daemon(ends="goes on")
        result = self.ask("drain", "--timeout", "1")
        self.assert_code(result, 75)
        self.assertIn("still drains after 1 s", result.err)

    def test_a_daemon_that_does_not_answer(self):
        process = self.daemon()
        process.send_signal(signal.SIGSTOP)  # until it is killed
        result = self.ask("drain", "--timeout", "1")
        self.assert_code(result, 69)
        self.assertIn("does not answer", result.err)

    def test_without_a_daemon(self):
        for command in ("status", "drain"):
            result = self.ask(command)
            self.assert_code(result, 69)
            self.assertIn("no daemon is running", result.err)

    def test_usage(self):
        self.assert_code(self.ask("status", "now"), 64)
        self.assert_code(self.ask("drain", "now"), 64)
        self.assert_code(self.ask("pause", "a", "b"), 64)
        self.assert_code(self.ask("pause", "x" * 129), 64)
        self.path = "/tmp/" + "x" * 120
        result = self.ask("status")
        self.assert_code(result, 78)
        self.assertIn("control.socket", result.err)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--serve"]:
        serve(sys.argv[2], int(sys.argv[3]), sys.argv[4] == "ends")
    else:
        unittest.main()
