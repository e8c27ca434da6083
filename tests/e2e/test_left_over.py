# SPDX-License-Identifier: MIT
"""What an earlier run, a crash or a cancellation left over is in the account of the next: nobody is
passed over, counted twice, or said to be done who is not."""
import json
import signal
import unittest

from harness import count_states, number, wait_until
from meta import WithWebhooks, status

PARAMS = '["A","B","C"]'
NEVER = "2036-01-01T00:00:00Z"


class LeftOver(WithWebhooks):
    def account(self, box, *command, code):
        result = box.run(*command, "--json")
        self.assert_code(result, code)
        return json.loads(result.out)

    # ---- Rows that name another broadcast.

    def two_broadcasts(self, box, count=40):
        rows = [{"to": number(i), "params": PARAMS, "broadcast": "Y" if i % 2 else ""}
                for i in range(count)]
        return box.write_csv("v.csv", rows)

    def test_rows_of_another_broadcast_are_not_passed_over(self):
        mock = self.mock("--latency", "50")
        box = self.box(mock, {"http.max_in_flight": "2"})
        file = self.two_broadcasts(box)
        command = ("broadcast", file, "--yes", "--name", "V")
        running = self.start(box, *command)
        wait_until(lambda: mock.stats()["received"] >= 6, "some requests")
        running.signal(signal.SIGINT)
        self.assert_code(running.finish(), 5)
        waiting = len(box.log("--state", "waiting", "--broadcast", "Y"))
        self.assertGreater(waiting, 0)
        for _ in range(2):
            again = box.run(*command)
            self.assert_code(again, 5)
            self.assertNotIn("V: complete", again.out)
            self.assertIn(f"  {waiting} rows of other broadcasts wait since an earlier run.\n"
                          "  Go on:        tidings retry --broadcast Y --state waiting\n", again.out)
        self.assertEqual(self.account(box, *command, code=5)["states"]["left"], waiting)
        self.assert_code(box.run("retry", "--broadcast", "Y", "--state", "waiting", "--yes"), 0)
        last = box.run(*command)
        self.assert_code(last, 0)
        self.assertIn("V: complete", last.out)
        self.assert_each_once(mock, box, 40)

    def test_rows_of_a_paused_broadcast_are_left_each_time(self):
        mock = self.mock()
        box = self.box(mock)
        file = self.two_broadcasts(box, 10)
        self.assert_code(box.run("pause", "Y"), 0)
        for _ in range(3):
            account = self.account(box, "broadcast", file, "--yes", "--name", "V", code=5)
            self.assertEqual(account["states"]["left"], 5)
        self.assertEqual(mock.stats()["accepted"], 5)
        self.assert_code(box.run("resume", "Y"), 0)
        self.assert_code(box.run("retry", "--state", "waiting", "--yes"), 0)
        self.assert_code(box.run("broadcast", file, "--yes", "--name", "V"), 0)
        self.assert_each_once(mock, box, 10)

    def test_rows_of_a_cancelled_broadcast_are_skipped(self):
        mock = self.mock()
        box = self.box(mock)
        self.assert_code(box.run("broadcast", box.results("y.csv", 1, first=90), "--yes", "--name", "Y"), 0)
        self.assert_code(box.run("cancel", "Y"), 0)
        file = self.two_broadcasts(box, 10)
        first = box.run("broadcast", file, "--yes", "--name", "V")
        self.assertNotEqual(first.code, 0)
        self.assertEqual(count_states(box.log()), {"accepted": 6, "skipped": 5})
        self.assert_code(box.run("broadcast", file, "--yes", "--name", "V"), 0)

    # ---- Killed.

    def test_a_webhook_before_the_crash(self):
        """`retry` does not call it unknown: recovery takes the webhook's word."""
        graph = self.mock(faults=("hang_accepted",))
        box = self.receiving_box(graph)
        running = self.start(box, "broadcast", box.results("r.csv", 3), "--yes", "--name", "r",
                             "--webhook=60")
        wait_until(lambda: graph.stats()["accepted"] == 3, "three requests")
        for i in (0, 1):
            message = graph.messages()[number(i)]
            self.assertEqual(self.meta.tell(status("read", message["wamid"], message["opaque"])), 200)
        running.end()  # kill -9
        result = box.run("retry", "--yes", "--json")
        self.assert_code(result, 4)
        self.assertIn("1 were being sent when a run was killed", result.err)
        self.assertEqual(json.loads(result.out)["states"]["unknown"], 1)
        self.assertEqual(count_states(box.log()), {"accepted": 2, "unknown": 1})

    # ---- Cancelled.

    def test_cancelled_while_webhooks_are_awaited(self):
        graph = self.mock()
        box = self.receiving_box(graph)
        rows = [{"to": number(i), "params": PARAMS, "not_before": NEVER if i >= 3 else ""}
                for i in range(5)]
        running = self.start(box, "broadcast", box.write_csv("r.csv", rows), "--yes", "--name", "r",
                             "--webhook=60", "--json")
        wait_until(lambda: graph.stats()["accepted"] == 3, "three of five")
        wait_until(lambda: len(box.log()) == 5 and self.count(box, "accepted") == 3, "their records")
        self.assert_code(box.run("cancel", "r"), 0)
        result = running.finish()
        self.assert_code(result, 5)
        self.assertEqual(json.loads(result.out)["states"],
                         {"accepted": 3, "failed": 0, "unknown": 0, "skipped": 2, "left": 0})

    def test_cancelled_while_it_is_sent_by_retry(self):
        """What is refused for a time then does not wait for ever."""
        graph = self.mock(faults=("code=131026@try1", "code=131016@try2", "slow=700@try2"))
        box = self.box(graph)
        self.assert_code(box.run("broadcast", box.results("r.csv", 1), "--yes", "--name", "X"), 3)
        running = self.start(box, "retry", "--yes")
        wait_until(lambda: box.log()[0]["state"] == "sending", "the second attempt")
        self.assert_code(box.run("cancel", "X"), 0)
        self.assert_code(running.finish(), 5)
        self.assertEqual(count_states(box.log()), {"skipped": 1})

    def test_cancelled_while_it_is_handed_over(self):
        """Rows that the daemon never got are in the account, too."""
        graph = self.mock("--latency", "100")
        box = self.daemon_box(graph, {"http.max_in_flight": "1"})
        daemon = self.start_daemon(box)
        count = 60000
        running = self.start(box, "broadcast", box.results("r.csv", count), "--yes", "--name", "r",
                             "--json")
        wait_until(lambda: graph.stats()["received"] >= 1, "a request")
        self.assert_code(box.run("cancel", "r"), 0)
        result = running.finish()
        self.assert_code(result, 5)
        account = json.loads(result.out)
        self.assertEqual(sum(account["states"].values()), count)
        self.stop_daemon(daemon)

    # ---- By a daemon.

    def test_what_was_tried_and_is_not_due_is_work_left(self):
        graph = self.mock(faults=(f"code=131026@to{number(0)}@try1",
                                  f"code=131016,retry_after=3000@to{number(1)}"))
        box = self.daemon_box(graph)
        daemon = self.start_daemon(box)
        client = self.start(box, "broadcast", box.results("r.csv", 2), "--yes")
        wait_until(lambda: graph.stats()["refused"] == 2 and
                   sorted(count_states(box.log())) == ["failed", "waiting"], "both refused")
        client.signal(signal.SIGINT)
        client.finish()
        account = self.account(box, "retry", "--yes", code=5)
        self.assertEqual((account["states"]["accepted"], account["states"]["left"]), (1, 1))
        self.assertEqual(self.account(box, "retry", "--yes", code=5)["states"]["left"], 1)
        self.stop_daemon(daemon)

    def test_a_daemon_that_ends_with_the_broadcast(self):
        graph = self.mock("--latency", "500")
        box = self.daemon_box(graph)
        daemon = self.start_daemon(box)
        running = self.start(box, "broadcast", box.results("r.csv", 2), "--yes", "--json",
                             "--report", "report.json")
        wait_until(lambda: graph.stats()["received"] == 2, "two requests")
        self.assert_code(box.run("drain"), 0)
        result = running.finish()
        self.assert_code(result, 0)
        account = json.loads(result.out)
        self.assertEqual(account["states"]["accepted"], 2)
        self.assertEqual(json.loads((box.folder / "report.json").read_text()), account)
        self.assert_code(daemon.finish(), 0)


if __name__ == "__main__":
    unittest.main()
