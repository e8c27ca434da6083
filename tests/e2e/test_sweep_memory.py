# SPDX-License-Identifier: MIT
"""Sweeps: the N-th allocation of a broadcast of 20 fails, at the start and at work, or all from the
N-th on; then the same command goes on (sweeping.py). Small ones of our own abort by design, with a
sentence. Whatever else ends it, there is no crash of ours and no report of a sanitizer.

Libraries have crashes of their own. Those that were looked at are named in OF_LIBRARIES, are counted
under their name, and what they leave behind must be as sound; any other fails the test."""
import itertools
import os
import re
import signal
import unittest
from pathlib import Path

from harness import ROOT, TIDINGS
from sweeping import Sweep, has_sanitizer, sample

LIBRARIES = Path(os.environ.get("FAILMALLOC_LIB", ROOT / "build/release/tests/libfailmalloc.so"))
BY_DESIGN = "tidings: out of memory ("
FRAME = re.compile(r"^(?:/.*/)?([^/\s()]+)\(([^()+]*)\+?[^()]*\) ?\[0x[0-9a-f]+\]$", re.MULTILINE)
# Where a signal is raised or a bad address is met on behalf of whoever called.
ON_BEHALF = ("libc.so.6", "libasan.so", "libubsan.so", "libfailmalloc")

# The file in which it ends, and the function of a library that was called and leads there: why it is
# the library's own. Nothing we pass to them is at fault: none of them has an argument of ours that
# an allocation made.
TABLE = "uv__io_start aborts when its table of descriptors cannot grow"
OF_LIBRARIES = {
    ("libcrypto.so.3", "curl_global_init_mem"): "ossl_rcu_read_lock asserts that it got memory",
    ("libuv.so.1", "uv_loop_init"): "uv_signal_init aborts when its table cannot grow",
    ("libuv.so.1", "uv_queue_work"): "init_threads aborts when its threads cannot be made",
    ("libuv.so.1", "uv_listen"): TABLE,
    ("libuv.so.1", "uv_poll_start"): TABLE,
    ("libuv.so.1", "uv_async_init"): TABLE,
}
# The sanitizer itself: it asks for a thread's stack, and pthread_getattr_np() wants memory.
OF_SANITIZER = re.compile(r"AddressSanitizer: CHECK failed: sanitizer_linux_libcdep.*"
                          r"pthread_getattr_np.*\(0xc, 0x0\)")


def frames(err):
    """(file, function) of each frame, the innermost first; a function that is not exported has no
    name."""
    found = FRAME.findall(err.partition("failmalloc: a signal, in")[2])
    told = [i for i, (file, _) in enumerate(found) if file.startswith("libfailmalloc")]
    return found[told[-1] + 1:] if told else found  # behind the handler's own


def culprit(err):
    """(the file in which it ended, not on another's behalf; the function of a library that we
    called and that leads there), None for a function that is ours."""
    stack = [f for f in frames(err) if not f[0].startswith(ON_BEHALF)]
    if not stack:
        return None
    of_libraries = list(itertools.takewhile(lambda f: f[0] != Path(TIDINGS).name, stack))
    return stack[0][0], of_libraries[-1][1] if of_libraries else None


def crash_of_a_library(first):
    """Its name, or None when it was no crash; an AssertionError when it was one that is not known,
    or ours."""
    said = OF_SANITIZER.sub("", first.err)
    if "Sanitizer" in said or "runtime error" in said:
        raise AssertionError(f"a sanitizer's report: {first}")
    if first.code == 1 and said != first.err:
        return "the sanitizer itself: pthread_getattr_np"
    if first.code >= 0:
        return None
    at = culprit(first.err)
    if first.code == -signal.SIGABRT and BY_DESIGN in first.err:
        if at is None or at[0] == Path(TIDINGS).name:
            return None
    if at not in OF_LIBRARIES:
        raise AssertionError(f"a crash in {at}, which is no known one of a library: {first}")
    return "%s: %s" % at


def judged(first):
    """(how the report counts it, what is wrong with it); None where there is nothing to say."""
    try:
        return crash_of_a_library(first), None
    except AssertionError as fault:
        return "not known", str(fault)


class Crashes(unittest.TestCase):
    """What is taken for whose."""

    OURS = "/x/%s(+0x637f9)[0x557b0e34b7f9]\n" % Path(TIDINGS).name
    LIBC = "/lib/x86_64-linux-gnu/libc.so.6(abort+0xd3)[0x7f1b074ef472]\n"
    UV = ("/lib/x86_64-linux-gnu/libuv.so.1(+0x71a3) [0x7f1b074ef472]\n"  # glibc 2.41's way
          "/lib/x86_64-linux-gnu/libuv.so.1(uv_signal_init+0x9)[0x7f1b074ef473]\n"
          "/lib/x86_64-linux-gnu/libuv.so.1(uv_loop_init+0x9)[0x7f1b074ef474]\n")

    def ended(self, code, *stack, said=""):
        class First:
            err = said + "failmalloc: a signal, in\n" + "".join(stack)
        First.code = code
        return First

    def test_a_known_one(self):
        first = self.ended(-6, self.LIBC, self.UV, self.OURS)
        self.assertEqual(crash_of_a_library(first), "libuv.so.1: uv_loop_init")

    def test_by_design(self):
        first = self.ended(-6, self.LIBC, self.OURS, said=BY_DESIGN + "9 bytes)\n")
        self.assertIsNone(crash_of_a_library(first))

    def test_ours(self):
        for code, stack in ((-11, (self.OURS,)), (-6, (self.LIBC, self.OURS)),
                            (-11, (self.LIBC, self.OURS, self.UV)), (-11, ()),
                            (-11, (self.UV.replace("loop_init", "run"), self.OURS))):
            with self.assertRaises(AssertionError):
                crash_of_a_library(self.ended(code, *stack))

    def test_a_report(self):
        first = self.ended(1, said="==1==ERROR: AddressSanitizer: heap-use-after-free\n")
        with self.assertRaises(AssertionError):
            crash_of_a_library(first)


class Allocations(Sweep):
    MESSAGES = 20
    STEP = 331  # of about 12,000
    # 1: no thread, no loop; 127: the dynamic linker itself
    ENDS = (0, 1, 4, 5, 69, 73, 74, 77, 78, 127)

    def allocations(self, order=None, count=None):
        """clang's sanitizer is inside the program: nothing comes before it but an auditor, and the
        preloaded library only tells of signals."""
        env = {"LD_PRELOAD": str(LIBRARIES)}
        if has_sanitizer() and not re.search(rb"libasan\.so\.\d", Path(TIDINGS).read_bytes()):
            env["LD_AUDIT"] = str(LIBRARIES.with_name("libfailmalloc_audit.so"))
        env["ASAN_OPTIONS"] = "detect_leaks=0:verify_asan_link_order=0:handle_segv=0:handle_sigbus=0"
        if order:
            env["FAILMALLOC"] = order
        if count:
            env["FAILMALLOC_COUNT"] = str(count)
        return self.installation.run(*self.arguments(), env=env)

    def count_allocations(self):
        count = self.installation.folder / "count"
        self.assert_code(self.allocations(count=count), 0)
        total = count.stat().st_size
        self.assertGreater(total, 1000)
        self.next_point()
        return total

    def sweep(self, more):
        self.prepare()
        self.kind = "allocations: all from N on fail" if more else "allocations: the N-th fails"
        self.file = self.installation.results("few.csv", self.MESSAGES)
        for n in sample(self.count_allocations(), self.STEP):
            order = f"{n}{more}"
            with self.point(order):
                first = self.allocations(order)
                crash, fault = judged(first)
                if first.code >= 0:
                    self.assertIn(first.code, self.ENDS, f"allocation {order}: {first}")
                    self.assertTrue(first.code in (0, 127) or first.err, order)
                self.go_on(f"allocation:{order}", first, self.MESSAGES, crash=crash)
                self.assertIsNone(fault)

    def test_one_allocation_fails(self):
        self.sweep("")

    def test_all_allocations_fail(self):
        self.sweep("+")


if __name__ == "__main__":
    unittest.main()
