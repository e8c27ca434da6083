# SPDX-License-Identifier: MIT
"""What an operator orders of a daemon is carried out, and whole: a halt that `resume` ends, a
cancellation of more than a page, a template that a reload changes."""
import json
import signal
import unittest

from harness import count_states, number, wait_until
from daemon_box import WithDaemon

PARAMS = json.dumps(["Asha", "Physics", "https://exam.example/r/1"])


class Orders(WithDaemon):
    def add(self, wire, i):
        wire("XADD", "tidings:send", "*", "to", number(i), "params", PARAMS)

    def halts(self, box):
        return [halt["kind"] for halt in box.ask({"op": "status"})["halts"]]

    def test_resume_ends_halts(self):
        for code, kind in ((132015, "template"), (131031, "account"), (133010, "sender")):
            with self.subTest(kind):
                graph = self.mock(faults=(f"code={code}@n1",))
                box = self.daemon_box(graph)
                wire = self.wire_of(box)
                daemon = self.start_daemon(box)
                self.add(wire, 0)
                wait_until(lambda: kind in self.halts(box), "the halt")
                self.add(wire, 1)
                self.assert_code(box.run("resume"), 0)
                wait_until(lambda: graph.stats()["accepted"] == 2, "both")
                self.assertEqual(self.halts(box), [])
                self.stop_daemon(daemon)

    def test_a_cancellation_of_many(self):
        for name in ((), ("r",)):
            with self.subTest(name):
                graph = self.mock()
                box = self.daemon_box(graph)
                daemon = self.start_daemon(box)
                self.assert_code(box.run("pause"), 0)
                client = self.start(box, "broadcast", box.results("r.csv", 5000), "--yes", "--name", "r")
                wait_until(lambda: box.run("log", "--count").out == "5000\n", "the hand-over")
                cancelled = box.run("cancel", *name, "--yes")
                self.assert_code(cancelled, 0)
                self.assertIn("5,000 messages that waited are skipped", cancelled.out + cancelled.err)
                self.assert_code(box.run("resume"), 0)
                self.assert_code(client.finish(), 5)
                self.assertEqual(count_states(box.log()), {"skipped": 5000})
                self.stop_daemon(daemon)
                self.assertEqual(graph.stats()["received"], 0)

    def test_a_reload_changes_the_template(self):
        graph = self.mock("--template", "promo:hi:3")
        box = self.daemon_box(graph)
        wire = self.wire_of(box)
        daemon = self.start_daemon(box)
        self.add(wire, 0)
        wait_until(lambda: graph.stats()["accepted"] == 1, "the first")
        box.set({"template.name": "promo", "template.lang": "hi"})
        daemon.signal(signal.SIGHUP)
        daemon.wait_for("Configuration read again")
        self.add(wire, 1)
        wait_until(lambda: graph.stats()["accepted"] == 2, "the second")
        self.assertEqual({to: (m["template"], m["lang"]) for to, m in graph.messages().items()},
                         {number(0): ("results_update", "en_US"), number(1): ("promo", "hi")})
        self.stop_daemon(daemon)


if __name__ == "__main__":
    unittest.main()
