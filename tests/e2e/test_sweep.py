# SPDX-License-Identifier: MIT
"""Sweeps: a broadcast of 50 is killed, or told of a broken disk, at its N-th system call of a kind;
then the same command goes on (sweeping.py). Also with strace, which knows nothing of us, and on a
disk that is full after N pages."""
import collections
import errno
import re
import shutil
import subprocess
import unittest

from sweeping import COUNT, Ended, Sweep, has_sanitizer, sample, turns

NO_MANIFEST = "Rows are not on record"
PAGE = 4096
UNMOVED = (73, 74)  # what a broken disk ends with


@unittest.skipIf(has_sanitizer(), "a sanitizer's interceptors come before the preloaded library")
class Kills(Sweep):
    """kill -9 at the N-th call, and right behind it."""

    def sweep(self, function, step, actions=("kill", "killafter")):
        self.prepare()
        self.kind = f"kill -9: {function}"
        total = self.count_calls()[function]
        killed = 0
        for i, n in enumerate(sample(total, step)):
            for action in turns(actions, i):
                order = f"{function}:{action}:{n}"
                with self.point(order):
                    first = self.faulty(order)
                    self.assertIn(first.code, (-9, 0), f"{order}: {first}")
                    killed += first.code == -9
                    self.go_on(order, first)
        self.assertTrue(killed or not sample(total, step))

    def test_kill_at_fdatasync(self):
        self.sweep("fdatasync", 17)

    def test_kill_at_pwrite64(self):
        self.sweep("pwrite64", 67)

    def test_kill_at_send(self):
        self.sweep("send", 13)

    def test_kill_at_recv(self):
        self.sweep("recv", 13)

    def test_kill_at_write(self):  # the file beside the ledger that says what was frozen
        self.sweep("write", 101)

    def test_kill_at_the_others(self):
        for function in ("fsync", "ftruncate64", "rename"):
            self.sweep(function, 2)


@unittest.skipIf(has_sanitizer(), "a sanitizer's interceptors come before the preloaded library")
class BrokenDisk(Sweep):
    """A call fails once, or each time from the N-th on. Never an end as if all were well while
    something is not on record; after a failed sync never another try."""

    def sweep(self, function, step, errors, told=None):
        """How many of them stopped it."""
        self.prepare()
        total = self.count_calls()[function]
        stopped = 0
        for i, n in enumerate(sample(total, step)):
            for how in turns([f"{error}:{n}{more}" for error in errors for more in ("", "+")], i):
                order = f"{function}:{how}"
                self.kind = f"{errno.errorcode[int(how.split(':')[0])]}: {function}"
                with self.point(order):
                    first = self.faulty(order, self.installation.folder / "counts")
                    self.assertIn(first.code, (0, *UNMOVED), f"{order}: {first}")
                    stopped += first.code != 0
                    if first.code:
                        self.assertIn("tidings: ", first.err, order)
                    elif told and self.counts()[function] >= n:  # else it was not met
                        self.assertIn(told, first.err, order)
                    elif not told:
                        self.assert_all_on_record(order)
                    if function == "fdatasync":
                        self.assert_no_other_try(n, first)
                    self.go_on(order, first)
        return stopped

    def assert_all_on_record(self, order):
        """As it ended, before the same command looks after it."""
        log = self.installation.log("--set", self.arguments()[-1], "--state", "accepted")
        self.assertEqual(len(log), COUNT, order)

    def assert_no_other_try(self, n, first):
        """The kernel forgets what it could not write: a second sync would succeed, and lie. It ends
        with the failed one, at best while it closes and has all on record. Only where the ledger
        was being made, and nothing was sent, SQLite undoes that with more of them."""
        synced = self.counts()["fdatasync"]
        if synced >= n and self.server.stats()["received"] > 0:
            self.assertEqual(synced, n, first)
        elif synced >= n:
            self.assertIn(first.code, UNMOVED, first)

    def test_fdatasync_fails(self):
        self.assertGreater(self.sweep("fdatasync", 19, (errno.EIO, errno.ENOSPC)), 0)

    def test_the_last_syncs_fail(self):
        """Of the checkpoint, as it closes."""
        self.prepare()
        total = self.count_calls()["fdatasync"]
        for n in range(total - 6, total + 1):
            with self.point(f"the sync {n} of {total}"):
                first = self.faulty(f"fdatasync:{errno.EIO}:{n}", self.installation.folder / "counts")
                self.assert_no_other_try(n, first)
                self.go_on(f"fdatasync:{errno.EIO}:{n}", first)

    def test_the_folder_cannot_be_synced(self):
        """SQLite does not look whether that went well, and so it must have been done before."""
        self.prepare()
        first = self.faulty(f"fsync:{errno.EIO}:2")  # the first is of the folder's own name
        self.assert_code(first, 74)
        self.assertIn("its folder cannot be put on disk", first.err)
        self.assertEqual(self.server.stats()["received"], 0)
        self.go_on("the folder", first)

    def test_a_new_folder_for_it_cannot_be_synced(self):
        """A power cut could take it away, and the ledger with it: it is made anew by the next try."""
        self.prepare()
        first = self.faulty(f"fsync:{errno.EIO}:1")
        self.assert_code(first, 73)
        self.assertIn(f"cannot create the folder {self.folder()}", first.err)
        self.assertFalse(self.folder().exists())
        self.assertEqual(self.server.stats()["received"], 0)
        self.go_on("the new folder", first)

    def test_pwrite64_fails(self):
        self.assertGreater(self.sweep("pwrite64", 83, (errno.EIO, errno.ENOSPC, errno.EROFS)), 0)

    def test_the_others_fail(self):
        self.sweep("ftruncate64", 2, (errno.EIO, errno.EROFS))
        self.sweep("fdatasync-folder", 1, (errno.EIO,))
        for function in ("fsync", "rename"):
            self.sweep(function, 1, (errno.EIO, errno.EROFS), NO_MANIFEST)

    def test_write_fails(self):
        self.sweep("write", 151, (errno.EIO, errno.ENOSPC, errno.EROFS), NO_MANIFEST)


@unittest.skipIf(has_sanitizer(), "a sanitizer's interceptors come before the preloaded library")
class BrokenCheckpoint(Sweep):
    """The WAL is moved into the ledger's file while it runs, and that fails: it stops, for the kernel
    forgets what it could not write, and a second try would succeed, and lie."""

    COUNT = 1000  # enough for a checkpoint on its way

    def failing(self, function, n):
        """The run that met it, and how many messages Graph had by then."""
        first = self.faulty(f"{function}:{errno.EIO}:{n}", self.installation.folder / "counts")
        return first, self.server.stats()["received"]

    def sweep(self, function, step):
        self.prepare()
        self.file = self.installation.results("r.csv", self.COUNT)
        in_the_middle = 0
        for n in sample(self.count_calls()[function], step):
            with self.point(f"{function} {n}"):
                first, received = self.failing(function, n)
                if 0 < received < self.COUNT:
                    in_the_middle += 1
                    self.assert_code(first, 74)
                    self.assertEqual(self.counts()[function], n, first)
                self.go_on(f"{function}:{n}", first, self.COUNT)
        self.assertGreater(in_the_middle, 0)

    def test_its_sync_fails(self):
        self.sweep("fdatasync-db", 1)

    def test_its_writes_fail(self):
        self.sweep("pwrite64-db", 11)


class SmallDisk(Sweep):
    """A disk that is full after N pages: the kernel's own ENOSPC, in writes of any kind."""

    LARGE = "size=64m"

    def mount(self, options):
        self.folder().mkdir()
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", self.folder()],
                              capture_output=True, text=True)
        if done.returncode:
            self.skipTest("no permission to mount a small tmpfs: " + done.stderr.strip())
        self.addCleanup(subprocess.run, ["umount", "-l", self.folder()], capture_output=True)

    def next_point(self):
        subprocess.run(["umount", "-l", self.folder()], capture_output=True)
        super().next_point()

    def pages(self):
        """A disk that is large enough, of 2^n pages: what is left at the end is less than what a run
        needs on its way."""
        pages, code = 16, None
        while code != 0:
            pages *= 2
            self.mount(f"size={pages * PAGE}")
            code = self.installation.run(*self.arguments()).code
            self.next_point()
        return pages

    def test_full_after_n_pages(self):
        self.prepare()
        self.kind = "ENOSPC: a disk of N pages"
        stopped = 0
        for n in sample(self.pages(), 47):
            with self.point(f"{n} pages"):
                self.mount(f"size={n * PAGE}")
                first = self.installation.run(*self.arguments())
                self.assertIn(first.code, (0, *UNMOVED), first)
                stopped += first.code != 0
                subprocess.run(["mount", "-o", f"remount,{self.LARGE}", self.folder()], check=True)
                self.go_on(f"{n} pages", first)
        self.assertGreater(stopped, 0)


@unittest.skipUnless(shutil.which("strace"), "no strace")
class Strace(Sweep):
    """The same from outside. strace counts each thread for itself."""

    CALLS = {"fdatasync": ("fdatasync", 5), "pwrite64": ("pwrite64", 29),
             "send": ("sendto,sendmsg", 23), "receive": ("recvfrom,recvmsg", 23)}
    KILL = ("signal=KILL",)

    def strace(self, calls, injection, counts=None):
        command = ["strace", "-f", "-e", f"trace={calls}", "-o",
                   str(counts or "/dev/null")]
        if injection:
            command += ["-e", f"inject={calls}:{injection}"]
        command += self.installation.command(*self.arguments())
        done = subprocess.run(command, capture_output=True, text=True, timeout=300,
                              env=dict(self.installation.environment, UV_THREADPOOL_SIZE="1"))
        return Ended(done.returncode, done.stdout, done.stderr)

    def most_calls(self, calls):
        """Of the thread that makes the most."""
        trace = self.installation.folder / "trace"
        done = self.strace(calls, None, trace)
        self.next_point()
        if done.code != 0:
            self.skipTest("strace cannot trace here: " + done.err[-300:])
        names = calls.replace(",", "|")
        return max(collections.Counter(
            re.findall(rf"^(\d+) +(?:{names})\(", trace.read_text(), re.MULTILINE)).values())

    def sweep(self, name, injections, codes):
        calls, step = self.CALLS[name]
        self.prepare()
        struck = 0
        points = sample(self.most_calls(calls), step)
        for i, n in enumerate(points):
            for injection in turns(injections, i):
                what = f"{name}:{injection}:{n}"
                self.kind = f"strace, {injection}: {name}"
                with self.point(what):
                    first = self.strace(calls, f"{injection}:when={n}")
                    self.assertIn(first.code, codes, f"{what}: {first}")
                    struck += first.code != 0
                    self.go_on(what, first)
        self.assertTrue(struck or not points)

    def test_strace_kill_at_fdatasync(self):
        self.sweep("fdatasync", self.KILL, (-9, 137, 0))

    def test_strace_kill_at_pwrite64(self):
        self.sweep("pwrite64", self.KILL, (-9, 137, 0))

    def test_strace_kill_at_send(self):
        self.sweep("send", self.KILL, (-9, 137, 0))

    def test_strace_kill_at_receive(self):
        self.sweep("receive", self.KILL, (-9, 137, 0))

    def test_strace_fdatasync_fails(self):
        self.sweep("fdatasync", ("error=EIO",), (0, *UNMOVED))

    def test_strace_pwrite64_fails(self):
        self.sweep("pwrite64", ("error=EIO", "error=ENOSPC", "error=EROFS"), (0, *UNMOVED))


if __name__ == "__main__":
    unittest.main()
