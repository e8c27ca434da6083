# SPDX-License-Identifier: MIT
"""What the sweeps share: a broadcast that something happens to, and the same command again. Nobody
is skipped, nobody is accepted twice, and the unknown ones are at most those in flight and the
intents ahead of them.

TIDINGS_SWEEP=all tries every point, not a sample; TIDINGS_SWEEP_PART=K/N the
K-th of N parts of them. TIDINGS_SWEEP_REPORT=FILE has a line of JSON a point: what was done, and how
it ended. TIDINGS_SOUND is the build that goes on behind the one that is swept (TIDINGS)."""
import collections
import contextlib
import json
import os
import shutil
import sys
import tempfile
from pathlib import Path

from harness import ROOT, TIDINGS, EndToEnd, number

if "--all" in sys.argv:
    sys.argv.remove("--all")
    os.environ["TIDINGS_SWEEP"] = "all"
ALL = os.environ.get("TIDINGS_SWEEP") == "all"
PART, PARTS = map(int, os.environ.get("TIDINGS_SWEEP_PART", "1/1").split("/"))
REPORT = os.environ.get("TIDINGS_SWEEP_REPORT")
SOUND = os.environ.get("TIDINGS_SOUND", TIDINGS)
FAULTY = os.path.abspath(os.environ.get("FAULTY_LIB", ROOT / "build/release/tests/libfaulty.so"))
if os.access("/dev/shm", os.W_OK):
    tempfile.tempdir = "/dev/shm"  # what a killed process wrote is there without a disk, too
COUNT = 50
IN_FLIGHT = 4
RATE = 5000
AHEAD_MS = 2
AHEAD = 1 + RATE * AHEAD_MS // 1000  # intents on disk before their turn
FAKETIME = "/usr/$LIB/faketime/libfaketimeMT.so.1"


def has_sanitizer():
    """Its interceptors come before a preloaded library."""
    return b"__asan_init" in Path(TIDINGS).read_bytes()


def later():
    """The environment of a process to which it is three seconds later: the quiet time behind the
    intents of a former run is over (engine.c). Without libfaketime it is waited for."""
    if b"__asan_init" in Path(SOUND).read_bytes() or not shutil.which("faketime"):
        return {}
    return {"LD_PRELOAD": FAKETIME, "FAKETIME": "+3s", "FAKETIME_DONT_FAKE_MONOTONIC": "1"}


def sample(total, step):
    """Every step-th of 1 to total, and the last one."""
    if ALL:
        return [n for n in range(1, total + 1) if n % PARTS == PART - 1]
    return sorted(set(range(1, total + 1, step)) | {total})


def turns(variants, i):
    """Of the i-th point: all of them, or in a sample one at a time."""
    return variants if ALL else (variants[i % len(variants)],)


class Sweep(EndToEnd):
    prefix, kind = "", None  # of the points: what the report counts them under

    def prepare(self, *flags):
        self.server = self.mock("--latency", "1-5", *flags, tls=False)
        self.installation = self.box(self.server, {
            "http.max_in_flight": str(IN_FLIGHT), "rate.messages_per_second": str(RATE),
            "ledger.intent_ahead_ms": str(AHEAD_MS)})
        self.file = self.installation.results("r.csv", COUNT)
        self.points = 0

    def folder(self):
        return self.installation.folder / f"l{self.points}"

    def arguments(self):
        return "broadcast", self.file, "--yes", "--set", f"ledger.path={self.folder()}/ledger.db"

    def next_point(self):
        """A new ledger, and a mock that has seen nothing."""
        shutil.rmtree(self.folder(), ignore_errors=True)
        self.points += 1
        self.server.reset()

    @contextlib.contextmanager
    def point(self, what):
        """One of a sweep. The others are tried when it fails, too."""
        with self.subTest(what):
            try:
                yield
            finally:
                self.next_point()

    def faulty(self, order=None, counts=None):
        env = {"LD_PRELOAD": FAULTY}
        if order:
            env["FAULTY"] = order
        if counts:
            counts.unlink(missing_ok=True)
            env["FAULTY_COUNTS"] = str(counts)
        return self.installation.run(*self.arguments(), env=env)

    def counts(self):
        """How often the last one called each function, when it came to its end."""
        lines = (self.installation.folder / "counts").read_text().splitlines()
        return {name: int(n) for name, n in (line.split() for line in lines)}

    def count_calls(self):
        """How often a run calls each function. Runs differ a little."""
        self.assert_code(self.faulty(counts=self.installation.folder / "counts"), 0)
        self.next_point()
        return self.counts()

    def last_run(self, environment):
        return self.installation.run(*self.arguments(), program=SOUND, env=environment)

    def go_on(self, what, first, count=COUNT, **more):
        """The same command again, and all that must hold then. Gives the rows."""
        last = self.last_run(later())
        where = f"{what}: {first}\n--- then: {last}"
        log = self.installation.log("--set", self.arguments()[-1], program=SOUND)
        states = collections.Counter(row["state"] for row in log)
        stats, accepted = self.server.stats(), self.server.messages()
        known = {row["to"] for row in log if row["state"] == "accepted"}
        everybody = {number(i) for i in range(count)}
        on_record = {row["to"] for row in log if row["state"] in ("accepted", "unknown")}
        lost = len(everybody - on_record) + len(known - set(accepted))
        twice = max(stats["received_again"], stats["accepted_again"])
        self.report(what, first=first.code, last=last.code, unknown=states["unknown"], lost=lost,
                    twice=twice, **more)
        self.assertEqual((lost, twice), (0, 0), where)
        self.assertEqual({row["to"] for row in log}, everybody, where)
        self.assertEqual(len(log), count, where)
        self.assertLessEqual(set(states), {"accepted", "unknown"}, where)
        self.assertLessEqual(states["unknown"], IN_FLIGHT + AHEAD, where)
        self.assertEqual(last.code, 4 if states["unknown"] else 0, where)
        return log

    def report(self, what, **ended):
        if REPORT:
            kind = self.kind or self.id().rsplit(".", 1)[-1].removeprefix("test_")
            with open(REPORT, "a", encoding="utf-8") as out:
                print(json.dumps({"kind": self.prefix + kind, "what": what, **ended}), file=out)


class Ended:
    def __init__(self, code, out, err):
        self.code, self.out, self.err = code, out, err

    def __repr__(self):
        return f"exit {self.code}\n{self.out[-2000:]}\n{self.err[-2000:]}"
