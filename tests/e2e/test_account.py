# SPDX-License-Identifier: MIT
"""The account of what webhooks told, and of what is still unknown: every number and word of it in
the report, in `log` and in `reconcile`."""
import json
import re
import unittest

from harness import FAKETIME, SANITIZED, at_another_time, count_states, number, wait_until
from meta import WithWebhooks, status

WAIT_A_DAY = "Send it again after a day or more, not sooner"
ANOTHER_WAY = "Nothing can be done for this message: reach the recipient another way."
MANY = 4200  # more than is settled at a time


class WhatWebhooksTold(WithWebhooks):
    """Ten messages: two sent and no more, or delivered; one read; three undelivered; one accepted
    twice; two unknown; of the last nobody says anything."""

    def setUp(self):
        super().setUp()
        self.graph = self.mock(faults=[f"close@to{number(7)}", f"noid@to{number(8)}"])
        self.installation = self.receiving_box(self.graph)
        self.daemon = self.start_daemon(self.installation)
        self.assert_code(self.broadcast(), 4)
        self.sent = self.graph.messages()
        for i, *said in ((0, "sent"), (1, "sent"), (1, "delivered"), (2, "delivered"), (2, "read"),
                         (3, "failed", 131049), (4, "failed", 131049), (5, "failed", 130472)):
            self.tell(i, *said)
        self.tell(6, "delivered", wamid="wamid.TWIN")

    def tell(self, i, kind, code=None, wamid=None):
        message = self.sent[number(i)]
        told = status(kind, wamid or message["wamid"], message["opaque"], code)
        self.assertEqual(self.meta.tell(told), 200)

    def broadcast(self, *flags):
        file = self.installation.results("r.csv", 10)
        return self.installation.run("broadcast", file, "--yes", "--name", "r", *flags)

    def one(self, i):
        """The message in `log --id`."""
        row = self.installation.states()[number(i)]
        return self.installation.run("log", "--id", row["id"]).out

    def test_in_the_report(self):
        """All is on record: the same command gives the account again."""
        text = self.broadcast().out
        self.assertIn("of those accepted, webhooks say: sent 1, delivered 2, read 1, undelivered 3\n",
                      text)
        self.assertIn("  2 accepted, but undelivered: code 131049, title of 131049\n"
                      f"      → {WAIT_A_DAY}", text)
        self.assertIn("  1 accepted, but undelivered: code 130472, title of 130472\n"
                      f"      → {ANOTHER_WAY}\n", text)
        self.assertIn("  1 duplicates that really happened: Graph accepted a message twice\n", text)
        self.assertIn("  1 unknown: an answer came that says nothing\n", text)
        end = text[text.index("\n  2 unknown: Graph may have sent them, or not\n"):].splitlines()
        self.assertRegex(end[2], rf"Z  {re.escape('+9198******07')} .* the request left, and no answer")
        self.assertRegex(end[3], rf"Z  {re.escape('+9198******08')} .* an answer came that says nothing$")
        self.assertIn("What to do:   tidings reconcile --broadcast r", end[4])
        for i in range(10):
            self.assertNotIn(number(i), text)

    def test_in_the_report_as_json(self):
        self.broadcast("--report", "report.json")
        report = json.loads((self.installation.folder / "report.json").read_text())
        self.assertEqual(report["statuses"], {"sent": 1, "delivered": 2, "read": 1, "undelivered": 3})
        self.assertEqual(report["accepted_twice"], 1)
        self.assertEqual(report["possible_duplicates"], 0)
        self.assertEqual([(u["code"], u["count"], u["title"]) for u in report["undelivered"]],
                         [(131049, 2, "title of 131049"), (130472, 1, "title of 130472")])
        self.assertTrue(report["undelivered"][0]["hint"].startswith(WAIT_A_DAY))
        self.assertEqual(report["undelivered"][1]["hint"], ANOTHER_WAY)
        self.assertEqual([(u["to"], u["reason"]) for u in report["unknown"]],
                         [(number(7), "no_answer"), (number(8), "bad_answer")])

    def test_in_the_log(self):
        rows = self.installation.states()
        self.assertEqual([rows[number(i)]["status"] for i in range(10)],
                         ["sent", "delivered", "read", *3 * ["undelivered"], "delivered", "", "", ""])
        self.assertEqual((rows[number(5)]["code"], rows[number(5)]["error"]),
                         (130472, "title of 130472"))
        self.assertRegex(self.one(3), rf"\n    undelivered \S+  code=131049 title of 131049\n"
                                      rf"      → {WAIT_A_DAY}")
        self.assertIn(f"  code=130472 title of 130472\n      → {ANOTHER_WAY}\n", self.one(5))
        self.assertIn("\n    accepted twice: wamid wamid.TWIN (attempt 1, ", self.one(6))

    def test_of_a_message_that_was_read(self):
        """Each status with Meta's time of it."""
        self.assertRegex(self.one(2), r"\n    delivered   2026-09-21T14:13:20.000Z\n"
                                      r"    read        2026-09-21T14:13:20.000Z\n")


class WhatIsUnknown(WithWebhooks):
    @unittest.skipIf(SANITIZED, "libfaketime's start and the sanitizer's allocator wait for each other")
    @unittest.skipUnless(FAKETIME.exists(), "no libfaketime")
    def test_age_and_evidence(self):
        """Sent three days, two hours and no time ago."""
        graph = self.mock(tls=False, faults=[f"close@to{number(1)}", f"noid@to{number(2)}",
                                             f"code=131000,accepted@to{number(3)}"])
        box = self.box(graph)
        for i, clock in ((1, "-2h"), (2, "-3d"), (3, "+0")):
            result = box.run("send", number(i), "A", "B", "https://e/1", "--id", f"m{i}",
                             env=at_another_time(clock))
            self.assert_code(result, 4)
        rows = [json.loads(line) for line in box.run("reconcile", "--json").out.splitlines()]
        self.assertEqual([(r["id"], r["reason"], r["code"]) for r in rows],
                         [("m1", "no_answer", 0), ("m2", "bad_answer", 0), ("m3", "unsure_error", 131000)])
        self.assertEqual([r["age_s"] // 3600 for r in rows], [2, 72, 0])
        self.assertEqual(rows[1]["evidence"], "an answer came that says nothing (HTTP 200)")
        self.assertIn("may have sent it all the same (code 131000): ", rows[2]["evidence"])
        table = box.run("reconcile").out
        self.assertRegex(table, r"(?m)^ +2 h  \S+ +1  m1 ")
        self.assertRegex(table, r"(?m)^ +3 d  \S+ +1  m2 ")
        self.assertRegex(table, r"(?m)^ +\d+ s  \S+ +1  m3 ")
        self.assertIn("3 unknown, the oldest 3 d old: ", table)

    def test_a_webhook_before_a_crash(self):
        """It came before our own answer, which never came; then it died. That one is known."""
        graph = self.mock(faults=("hang_accepted",))
        box = self.receiving_box(graph)
        daemon = self.start_daemon(box)
        broadcast = self.start(box, "broadcast", box.results("r.csv", 5), "--yes", "--name", "r")
        wait_until(lambda: graph.stats()["accepted"] == 5, "five requests")
        message = graph.messages()[number(2)]
        self.assertEqual(self.meta.tell(status("sent", message["wamid"], message["opaque"])), 200)
        daemon.end()  # kill -9
        broadcast.finish()
        self.assertEqual(box.run("reconcile", "--count").out, "4\n")
        rows = [json.loads(line) for line in box.run("reconcile", "--json").out.splitlines()]
        self.assertEqual([(r["to"], r["reason"]) for r in rows],
                         [(number(i), "interrupted") for i in (0, 1, 3, 4)])
        self.assertEqual({r["evidence"] for r in rows}, {"a crash: the request may have left"})
        settled = box.run("reconcile", "--give-up", "--yes", "--json")
        self.assertEqual(json.loads(settled.out), {"v": 1, "settled": 4, "others": 0})
        self.assertEqual(count_states(box.log()), {"accepted": 1, "failed": 4})


class Many(WithWebhooks):
    def settle(self, box):
        file = box.results("r.csv", MANY)
        self.assert_code(box.run("broadcast", file, "--yes", "--name", "r"), 4)
        self.assertEqual(box.run("reconcile", "--count").out, f"{MANY}\n")
        settled = box.run("reconcile", "--sent", "--yes", "--json")
        self.assertEqual(json.loads(settled.out), {"v": 1, "settled": MANY, "others": 0})
        self.assertEqual(count_states(box.log()), {"accepted": MANY})

    def test_alone(self):
        self.settle(self.box(self.mock(faults=("code=131000,accepted",))))

    def test_beside_a_daemon(self):
        box = self.daemon_box(self.mock(faults=("code=131000,accepted",)))
        daemon = self.start_daemon(box)
        self.settle(box)
        self.stop_daemon(daemon)


if __name__ == "__main__":
    unittest.main()
