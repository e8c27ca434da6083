# SPDX-License-Identifier: MIT
"""The ledger's disk: full, read-only, not a ledger, damaged. Nothing is sent that is not on record
before, and nothing that was recorded is lost."""
import os
import shutil
import sqlite3
import subprocess
import tempfile
import unittest

from harness import TIDINGS, EndToEnd, count_states, number, wait_until

TMPFS_KB = 512


class FullDisk(EndToEnd):
    def small_disk(self, box):
        """A disk of its own for the ledger, or the test is skipped."""
        folder = box.folder / "disk"
        folder.mkdir()
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={TMPFS_KB}k", "tmpfs",
                                  str(folder)], capture_output=True, text=True)
        if mounted.returncode:
            self.skipTest("no permission to mount a small tmpfs: " + mounted.stderr.strip())
        self.addCleanup(subprocess.run, ["umount", "-l", str(folder)], check=True)
        box.set({"ledger.path": folder / "ledger.db"})
        return folder

    @staticmethod
    def make_space(folder):
        subprocess.run(["mount", "-o", "remount,size=64m", str(folder)], check=True)

    def fill_up_and_go_on(self, count, settings):
        mock = self.mock("--latency", "5")
        box = self.box(mock, settings)
        folder = self.small_disk(box)
        file = box.results("r.csv", count)
        full = box.run("broadcast", file, "--yes")
        self.assert_code(full, 74)
        self.assertRegex(full.err, "(?i)(full|space)")
        self.assertIn("ERROR ⛔ The ledger broke", full.err)
        self.assertIn("Go on:", full.out)
        sent = mock.stats()["received"]
        self.assertGreater(sent, 0)
        self.assertLess(sent, count)
        self.assert_in_flight_is_said(box, full)
        still = box.run("broadcast", file, "--yes")
        self.assertIn(still.code, (73, 74), still)
        self.make_space(folder)
        last = box.run("broadcast", file, "--yes")
        rows = box.states()
        states = count_states(rows.values())
        self.assert_code(last, 4 if states.get("unknown") else 0)
        self.assertEqual(set(rows), {number(i) for i in range(count)})
        self.assertLessEqual(set(states), {"accepted", "unknown"})
        stats = mock.stats()
        self.assertEqual((stats["received_again"], stats["accepted_again"]), (0, 0))
        accepted = {to for to, row in rows.items() if row["state"] == "accepted"}
        self.assertLessEqual(accepted, set(mock.messages()))
        return states

    def assert_in_flight_is_said(self, box, result):
        """Requests that have no outcome on the full disk are not called "not yet sent"."""
        states = count_states(box.states().values())
        sending = states.get("sending", 0)
        self.assertGreater(sending, 0)
        self.assertRegex(result.out, rf"\n  in flight +{sending}\n")
        self.assertIn(f"\n  {sending} in flight when it stopped: Graph may have sent", result.out)
        self.assertNotIn("0 unknown", result.out)

    def test_nothing_is_sent_twice_and_it_goes_on(self):
        states = self.fill_up_and_go_on(3000, {"http.max_in_flight": "16"})
        # Answers that came while nothing could be written, and intents that never started.
        self.assertLess(states.get("unknown", 0), 300)

    @staticmethod
    def fill(folder):
        with (folder / "filler").open("wb", buffering=0) as filler:
            try:
                while filler.write(b"x" * 4096):
                    pass
            except OSError:
                pass

    def test_reading_says_what_is_wrong(self):
        box = self.box(self.mock())
        folder = self.small_disk(box)
        self.assert_code(box.run("send", number(1), "A", "B", "C"), 0)
        self.fill(folder)
        result = box.run("log")
        self.assert_code(result, 74)
        self.assertIn("the disk is full", result.err)
        (folder / "filler").unlink()
        self.assertEqual(count_states(box.log()), {"accepted": 1})

    def test_full_from_the_start(self):
        mock = self.mock()
        box = self.box(mock)
        folder = self.small_disk(box)
        self.fill(folder)
        file = box.results("r.csv", 5)
        result = box.run("broadcast", file, "--yes")
        self.assertIn(result.code, (73, 74), result)
        self.assertIn("tidings: ", result.err)
        self.assertEqual(mock.stats()["received"], 0)
        (folder / "filler").unlink()
        self.assert_code(box.run("broadcast", file, "--yes"), 0)
        self.assert_each_once(mock, box, 5)



class AnotherPlace(EndToEnd):
    """Its files are taken away while it is written."""

    def test_it_stops_and_goes_on_when_they_are_back(self):
        mock = self.mock("--latency", "20")
        box = self.box(mock, {"rate.messages_per_second": "200"})
        file = box.results("r.csv", 1000)
        ledger = box.folder / "ledger.db"
        box.set({"ledger.path": ledger})
        process = self.start(box, "broadcast", file, "--yes")
        wait_until(lambda: mock.stats()["received"] > 20, "messages to be sent")
        away = box.folder / "away"
        away.mkdir()
        moved = [p for p in box.folder.glob("ledger.db*") if p.suffix != ".lock"]
        for path in moved:
            path.rename(away / path.name)
        self.assert_code(process.finish(), 74)
        self.assertIn(f"ledger {ledger}: was moved, replaced or deleted", process.err())
        self.assertLess(mock.stats()["received"], 1000)
        for path in away.iterdir():
            path.rename(box.folder / path.name)
        last = box.run("broadcast", file, "--yes")
        states = count_states(box.states().values())
        self.assert_code(last, 4 if states.get("unknown") else 0)
        self.assertEqual(sum(states.values()), 1000)
        self.assertLess(states.get("unknown", 0), 100)
        stats = mock.stats()
        self.assertEqual((stats["received_again"], stats["accepted_again"]), (0, 0))


class NoLedger(EndToEnd):
    def refused(self, box, mock, codes, *words):
        """Not sent, and a sentence that names the ledger."""
        result = box.run("broadcast", box.results("r.csv", 5), "--yes")
        self.assertIn(result.code, codes, result)
        for word in words:
            self.assertIn(word, result.err)
        self.assertEqual(mock.stats()["received"], 0)
        return result

    def test_a_folder_that_cannot_be_written(self):
        mock = self.mock()
        box = self.box(mock, {"ledger.path": "/proc/tidings/ledger.db"})
        self.refused(box, mock, (73, 74, 78), "/proc/tidings")

    def test_a_file_where_a_folder_is_wanted(self):
        mock = self.mock()
        box = self.box(mock)
        (box.folder / "state").write_text("no folder")
        self.refused(box, mock, (73, 74, 78), str(box.folder / "state"))
        self.assertEqual((box.folder / "state").read_text(), "no folder")

    def test_one_that_may_not_be_seen_may_be_there(self):
        if os.geteuid() != 0:
            self.skipTest("only root can be somebody else")
        box = self.box(self.mock())
        self.assert_code(box.run("send", number(1), "A", "B", "C"), 0)
        place = tempfile.mkdtemp(prefix="program-")
        self.addCleanup(shutil.rmtree, place)
        os.chmod(place, 0o755)
        program = shutil.copy(TIDINGS, place)
        environment = dict(box.environment, TIDINGS_LEDGER_PATH=str(box.ledger))
        for command in ("log", "reconcile", "resume"):
            done = subprocess.run([program, command], capture_output=True, text=True, user=65534,
                                  group=65534, extra_groups=[], env=environment, cwd="/")
            self.assertEqual(done.returncode, 77, done)
            self.assertNotIn("no ledger", done.stderr)

    def test_a_read_only_disk(self):
        mock = self.mock()
        box = self.box(mock)
        file = box.results("r.csv", 5)
        self.assert_code(box.run("broadcast", file, "--yes"), 0)
        folder = box.ledger.parent
        mounted = subprocess.run(["mount", "--bind", "-o", "ro", str(folder), str(folder)],
                                 capture_output=True, text=True)
        if mounted.returncode:
            self.skipTest("no permission to mount: " + mounted.stderr.strip())
        mock.reset()
        try:
            self.refused(box, mock, (73, 74, 78), str(box.ledger))
        finally:
            subprocess.run(["umount", "-l", str(folder)], check=True)
        self.assertEqual(count_states(box.log()), {"accepted": 5})

    def test_a_file_that_is_no_ledger(self):
        mock = self.mock()
        for content in (b"to,name\n+919800000001,Asha\n" * 100, b"SQLite format 3\0" + b"\0" * 100):
            with self.subTest(content=content[:16]):
                box = self.box(mock)
                box.ledger.parent.mkdir()
                box.ledger.write_bytes(content)
                self.refused(box, mock, (74,), str(box.ledger))
                self.assertEqual(box.ledger.read_bytes(), content)
                result = box.run("log")
                self.assert_code(result, 74)

    def test_somebody_elses_database(self):
        mock = self.mock()
        box = self.box(mock)
        box.ledger.parent.mkdir()
        with sqlite3.connect(box.ledger) as db:
            db.execute("create table people (name text)")
        self.refused(box, mock, (74,), "no ledger of tidings")
        with sqlite3.connect(box.ledger) as db:
            self.assertEqual([n for n, in db.execute("select name from sqlite_master")],
                             ["people"])

    def test_a_newer_version(self):
        mock = self.mock()
        box = self.box(mock)
        self.assert_code(box.run("broadcast", box.results("a.csv", 2), "--yes"), 0)
        with sqlite3.connect(box.ledger) as db:
            db.execute("pragma user_version = 99")
        mock.reset()
        self.refused(box, mock, (74,), "version 99", "newer")

    def damaged(self, damage):
        mock = self.mock()
        box = self.box(mock)
        self.assert_code(box.run("broadcast", box.results("a.csv", 400), "--yes"), 0)
        for beside in ("-wal", "-shm"):
            rest = box.ledger.with_name(box.ledger.name + beside)
            if rest.exists():
                rest.unlink()
        damage(box.ledger)
        mock.reset()
        copy = box.folder / "copy"
        shutil.copy(box.ledger, copy)
        self.refused(box, mock, (74,), str(box.ledger))

    def test_a_cut_ledger(self):
        self.damaged(lambda path: os.truncate(path, path.stat().st_size // 2))

    def test_an_overwritten_ledger(self):
        def overwrite(path):
            with path.open("r+b") as ledger:
                ledger.seek(4096)
                ledger.write(os.urandom(path.stat().st_size - 4096))
        self.damaged(overwrite)


if __name__ == "__main__":
    unittest.main()
