# SPDX-License-Identifier: MIT
"""The sweeps of test_sweep.py and test_sweep_memory.py with webhooks: every fifth answer is lost, Meta
tells of every message until it gets a 200, and `broadcast --webhook` listens. Beside what holds there:
when Meta has its 200 for everything, whatever Graph accepted is accepted here, and its last status is
on record; only what Graph never had may be unknown."""
import signal
import unittest

import test_sweep
import test_sweep_memory
from harness import wait_until
from meta import SECRET, WithWebhooks
from sweeping import COUNT, SOUND, Sweep


class WithMeta(WithWebhooks, Sweep):
    prefix = "webhooks, "

    def prepare(self):
        secret = self.box(seal=False).folder / "secret"
        secret.write_text(SECRET + "\n")
        super().prepare("--webhook", f"http://127.0.0.1:{self.port}/webhook", "--app-secret", secret,
                        "--webhook-delay", "1-5", "--status", "delivered=1,read=0,retry_ms=20,retries=99",
                        "--fault", "close@every5")
        self.installation.set(self.webhook_settings(self.installation.folder))

    def arguments(self):
        """A name of its own each time: a late status is of no message of the next one."""
        command, *more = super().arguments()
        return command, "--webhook=60", "--name", f"p{self.points}", *more

    def is_told(self):
        w = self.server.stats()["webhooks"]
        return not w["waiting"] and not w["queued"]

    def last_run(self, environment):
        """Until Meta has its 200 for everything; what is unknown then stays so."""
        last = self.start(self.installation, *self.arguments(), program=SOUND, env=environment)
        wait_until(lambda: last.has_ended() or ("Waiting for" in last.err() and self.is_told()),
                   "webhooks")
        if self.are_unknown():  # else it ends by itself
            last.signal(signal.SIGINT)
        return last.finish()

    def are_unknown(self):
        path = self.arguments()[-1]
        rows = self.installation.log("--set", path, "--state", "unknown", program=SOUND)
        return len(rows) > 0

    def go_on(self, what, first, count=COUNT, **more):
        log = super().go_on(what, first, count, **more)
        had = {to for to, message in self.server.messages().items() if message["accepted"]}
        known = {row["to"]: row["status"] for row in log if row["state"] == "accepted"}
        self.assertEqual(set(known), had, f"{what}: {first}")
        if self.is_told():  # else nobody listened any more, for nothing was unknown
            self.assertEqual(set(known.values()) - {"delivered"}, set(), f"{what}: {first}")


class Kills(WithMeta, test_sweep.Kills):
    pass


class BrokenDisk(WithMeta, test_sweep.BrokenDisk):
    pass


class Allocations(WithMeta, test_sweep_memory.Allocations):
    STEP = 499


if __name__ == "__main__":
    unittest.main()
