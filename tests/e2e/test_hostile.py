# SPDX-License-Identifier: MIT
"""A world that means no good: servers that never end, redirect, or are somebody else; names that
do not resolve; clocks that jump; a process that sleeps; no descriptors left. The messages are
accounted for all the same, the token stays here, and memory has its bounds."""
import os
import shutil
import signal
import ssl
import subprocess
import time
import unittest
from pathlib import Path

from fault_proxy import FaultProxy
from harness import FAKETIME, SANITIZED, TOKEN, EndToEnd, count_states, number, wait_until
from hostile_server import HostileServer

MIB = 1 << 20
SHORT = {"http.timeout_ms": "1500", "http.connect_timeout_ms": "1500", "http.max_in_flight": "2"}
SOON = {"retry.base_ms": "20", "retry.max_ms": "100"}


class Hostile(EndToEnd):
    def server(self, answer, context=None):
        server = HostileServer(answer, context)
        self.addCleanup(server.stop)
        return server

    def box_for(self, url, settings=None):
        return self.box(settings=dict(SHORT, **SOON, **{"whatsapp.api_base": url,
                                                        **(settings or {})}))

    def run_measured(self, box, *arguments):
        """Exit code and the most memory that it had, in bytes."""
        running = self.start(box, *arguments)
        _, status, usage = os.wait4(running.pid, 0)
        running.process.returncode = os.waitstatus_to_exitcode(status)
        return running.finish(), usage.ru_maxrss * 1024


class Answers(Hostile):
    """Each answer is cut at its limit, the message is unknown, and nothing grows."""

    def endless(self, answer, most_bytes=64 * MIB):
        server = self.server(answer)
        box = self.box_for(server.url)
        result, memory = self.run_measured(box, "broadcast", box.results("r.csv", 4), "--yes")
        self.assert_code(result, 4)
        self.assertEqual(count_states(box.log()), {"unknown": 4})
        self.assertEqual(len(server.requests), 4)
        self.assertLess(server.bytes, most_bytes)
        if not SANITIZED:
            self.assertLess(memory, 64 * MIB)

    def test_ten_gigabytes(self):
        def answer(write, _):
            write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
                  b"Content-Length: 10737418240\r\n\r\n")
            while True:
                write(b" " * 65536)
        self.endless(answer)

    def test_chunks_without_end(self):
        def answer(write, _):
            write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
            while True:
                write(b"10000\r\n" + b" " * 65536 + b"\r\n")
        self.endless(answer)

    def test_headers_without_end(self):
        def answer(write, _):
            write(b"HTTP/1.1 200 OK\r\n")
            while True:
                write(b"X-More: " + b"x" * 1000 + b"\r\n")
        self.endless(answer)

    def test_one_header_without_end(self):
        def answer(write, _):
            write(b"HTTP/1.1 200 OK\r\nX-More: ")
            while True:
                write(b"x" * 1000)
        self.endless(answer)

    def test_continue_without_end(self):
        def answer(write, _):
            while True:
                write(b"HTTP/1.1 100 Continue\r\n\r\n" * 40)
        self.endless(answer, most_bytes=1 << 40)  # its own time-out ends it

    def test_garbage(self):
        def answer(write, _):
            write(bytes(range(256)) * 8)
            raise OSError
        self.endless(answer)

    def test_byte_by_byte(self):
        mock = self.mock(tls=False)
        proxy = FaultProxy(mock.port)
        self.addCleanup(proxy.close)
        proxy.down.set(dribble=0.05)
        box = self.box_for(f"http://127.0.0.1:{proxy.port}")
        self.assert_code(box.run("broadcast", box.results("r.csv", 4), "--yes"), 4)
        self.assertEqual(count_states(box.log()), {"unknown": 4})
        self.assertEqual(mock.stats()["accepted_again"], 0)

    def test_swallowed_requests(self):
        mock = self.mock(tls=False)
        proxy = FaultProxy(mock.port)
        self.addCleanup(proxy.close)
        proxy.up.set(swallow=True)
        box = self.box_for(f"http://127.0.0.1:{proxy.port}")
        file = box.results("r.csv", 4)
        self.assert_code(box.run("broadcast", file, "--yes"), 4)
        self.assertEqual(count_states(box.log()), {"unknown": 4})
        self.assertEqual(mock.stats()["received"], 0)
        proxy.heal()
        self.assert_code(box.run("broadcast", file, "--yes"), 4)  # they stay so
        self.assertEqual(mock.stats()["received"], 0)


class Redirects(Hostile):
    def test_never_followed(self):
        other = self.server(lambda write, n: write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"))
        for status in (301, 302, 303, 307, 308):
            with self.subTest(status=status):
                server = self.server(lambda write, n: write(
                    f"HTTP/1.1 {status} Moved\r\nLocation: {other.url}/steal\r\n"
                    f"Refresh: 0; url={other.url}\r\nContent-Length: 0\r\n\r\n".encode()))
                box = self.box_for(server.url)
                self.assert_code(box.run("broadcast", box.results("r.csv", 3), "--yes"), 4)
                self.assertEqual(count_states(box.log()), {"unknown": 3})
                self.assertTrue(all(TOKEN in head for head in server.requests))
        self.assertEqual((other.connections, other.requests), (0, []))

    def test_not_by_check_either(self):
        other = self.server(lambda write, n: write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"))
        server = self.server(lambda write, n: write(
            f"HTTP/1.1 302 Found\r\nLocation: {other.url}/\r\nContent-Length: 0\r\n\r\n".encode()))
        self.box_for(server.url).run("check", "--strict")
        self.assertEqual(other.connections, 0)
        self.assertGreater(len(server.requests), 0)

    def test_a_proxy_from_the_environment_is_not_asked(self):
        mock = self.mock(tls=False)
        other = self.server(lambda write, n: write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"))
        box = self.box(mock)
        env = {name: other.url for name in ("http_proxy", "https_proxy", "all_proxy", "ALL_PROXY",
                                            "HTTPS_PROXY")}
        self.assert_code(box.run("broadcast", box.results("r.csv", 3), "--yes", env=env), 0)
        self.assertEqual(other.connections, 0)


class Unreachable(Hostile):
    """Surely not sent: exit 69, and all of it goes out later."""

    GIVE_UP = {"http.unreachable_after_s": "1"}

    def refused(self, box, count=5):
        file = box.results("r.csv", count)
        self.assert_code(box.run("broadcast", file, "--yes"), 69)
        self.assertEqual(count_states(box.log()).get("unknown", 0), 0)
        mock = self.mock()
        box.talk_to(mock)
        self.assert_code(box.run("broadcast", file, "--yes"), 0)
        self.assert_each_once(mock, box, count)

    def test_a_name_that_does_not_resolve(self):
        self.refused(self.box_for("https://graph.invalid", self.GIVE_UP))

    def certificate(self, folder, *flags, name="127.0.0.1"):
        """A CA, and a certificate of it for `name`. Gives a server's context, and the CA's file."""
        openssl = shutil.which("openssl")
        if not openssl:
            self.skipTest("no openssl")

        def call(*arguments):
            subprocess.run([openssl, *map(str, arguments)], cwd=folder, check=True,
                           capture_output=True)
        key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
        call("req", "-x509", *key, "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=Test CA",
             "-days", "9999")
        kind = "IP" if name[0].isdigit() else "DNS"
        call("req", *key, "-keyout", "key", "-out", "request", "-subj", f"/CN={name}",
             "-addext", f"subjectAltName={kind}:{name}")
        Path(folder, "index").write_text("")
        Path(folder, "ca.cnf").write_text(
            "[ca]\ndefault_ca=d\n[d]\ndatabase=index\nnew_certs_dir=.\nrand_serial=yes\n"
            "default_md=sha256\npolicy=p\ncopy_extensions=copy\nunique_subject=no\n[p]\n"
            "commonName=supplied\n")
        call("ca", "-batch", "-config", "ca.cnf", "-cert", "ca.pem", "-keyfile", "ca.key", "-in",
             "request", "-out", "certificate", "-notext", *flags)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(Path(folder, "certificate"), Path(folder, "key"))
        return context, Path(folder, "ca.pem")

    def with_certificate(self, *flags, name="127.0.0.1"):
        box = self.box_for("https://127.0.0.1:1", self.GIVE_UP)
        folder = box.folder / "tls"
        folder.mkdir()
        context, ca = self.certificate(folder, *flags, name=name)
        server = self.server(lambda write, n: write(
            b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"), context)
        box.set({"whatsapp.api_base": server.url, "whatsapp.ca_file": ca})
        return box, server

    def test_a_certificate_that_is_right(self):  # so that the others fail for their reason
        box, server = self.with_certificate("-days", "9")
        self.assert_code(box.run("broadcast", box.results("r.csv", 1), "--yes"), 4)
        self.assertEqual(len(server.requests), 1)

    def test_an_expired_certificate(self):
        box, server = self.with_certificate("-startdate", "20200101000000Z", "-enddate",
                                            "20210101000000Z")
        self.refused(box)
        self.assertGreater(server.connections, 0)
        self.assertEqual(server.requests, [])

    def test_a_certificate_of_the_future(self):
        box, server = self.with_certificate("-startdate", "20900101000000Z", "-enddate",
                                            "20910101000000Z")
        self.refused(box)
        self.assertEqual(server.requests, [])

    def test_a_certificate_for_another_host(self):
        box, server = self.with_certificate("-days", "9", name="graph.example")
        self.refused(box)
        self.assertGreater(server.connections, 0)
        self.assertEqual(server.requests, [])


class Descriptors(Hostile):
    def test_too_few(self):
        """Any number of them: it works, or says why not; then the same command goes on."""
        mock = self.mock("--latency", "20-40", tls=False)
        for most in (8, 12, 14, 16, 20, 26):
            with self.subTest(most=most):
                mock.reset()
                box = self.box(mock, dict(SOON, **{"http.unreachable_after_s": "1"}))
                file = box.results("r.csv", 60)
                command = ["prlimit", f"--nofile={most}:{most}", "--",
                           *box.command("broadcast", file, "--yes")]
                done = subprocess.run(command, capture_output=True, text=True, timeout=300,
                                      env=box.environment)
                self.assertIn(done.returncode, (0, 1, 5, 69, 73, 74, 78, -6), done.stderr[-2000:])
                self.assertNotIn("Sanitizer", done.stderr)
                if done.returncode:
                    self.assertRegex(done.stderr, "tidings: |could not be reached")
                self.assertIn(box.run("broadcast", file, "--yes").code, (0, 4))
                rows = count_states(box.log())
                self.assertEqual(sum(rows.values()), 60)
                self.assertLessEqual(set(rows), {"accepted", "unknown"})
                self.assertEqual(mock.stats()["accepted_again"], 0)


class Asleep(Hostile):
    def test_stopped_longer_than_every_time_out(self):
        mock = self.mock("--latency", "20-50")
        box = self.box(mock, dict(SOON, **{
            "http.timeout_ms": "300", "http.connect_timeout_ms": "300", "http.max_in_flight": "8",
            "rate.messages_per_second": "200"}))
        running = self.start(box, "broadcast", box.results("r.csv", 200), "--yes")
        for goal in (20, 100):
            wait_until(lambda: mock.stats()["received"] >= goal or running.has_ended(), "sends")
            running.signal(signal.SIGSTOP)
            time.sleep(1)  # it is what is tested
            running.signal(signal.SIGCONT)
        result = running.finish()
        rows = count_states(box.log())
        self.assertEqual(sum(rows.values()), 200)
        self.assertLessEqual(set(rows), {"accepted", "unknown"})
        self.assertLessEqual(rows.get("unknown", 0), 2 * 8)
        self.assert_code(result, 4 if rows.get("unknown") else 0)
        self.assert_never_twice(mock)
        self.assertLessEqual(mock.stats()["highest_second"], 200)


@unittest.skipIf(SANITIZED, "libfaketime's start and the sanitizer's allocator wait for each other")
@unittest.skipUnless(FAKETIME.exists(), "no libfaketime")
class Clocks(Hostile):
    """The wall clock jumps; the monotonic one, which paces, does not."""

    RATE = 100

    def fake_clock(self, box):
        clock = box.folder / "clock"
        clock.write_text("+0\n")
        box.environment.update(LD_PRELOAD=str(FAKETIME), FAKETIME_NO_CACHE="1",
                               FAKETIME_TIMESTAMP_FILE=str(clock), DONT_FAKE_MONOTONIC="1")
        return clock

    def set_clock(self, clock, jump):
        clock.with_suffix(".new").write_text(jump + "\n")
        clock.with_suffix(".new").rename(clock)

    def broadcast(self, jumps, count=150):
        mock = self.mock("--latency", "10-30")
        box = self.box(mock, dict(SOON, **{"rate.messages_per_second": str(self.RATE)}))
        clock = self.fake_clock(box)
        running = self.start(box, "broadcast", box.results("r.csv", count), "--yes")
        for i, jump in enumerate(jumps):
            wait_until(lambda: mock.stats()["received"] >= 20 + 20 * i or running.has_ended(),
                       "sends")
            self.set_clock(clock, jump)
        result = running.finish()
        self.assert_code(result, 0)
        del box.environment["LD_PRELOAD"]
        self.assert_each_once(mock, box, count)
        self.assertLessEqual(mock.stats()["highest_second"], self.RATE)

    def test_forward(self):
        self.broadcast(["+3600", "+864000"])

    def test_back(self):
        self.broadcast(["-3600", "-864000"])

    def while_they_wait(self, jump):
        """All are refused for a time, and on record as waiting, when the clock jumps."""
        mock = self.mock(faults=["code=131016@try1"])
        box = self.box(mock, {"retry.base_ms": "4000", "retry.max_ms": "4000"})
        clock = self.fake_clock(box)
        running = self.start(box, "broadcast", box.results("r.csv", 60), "--yes")

        def all_are_on_record():
            states = count_states(box.log()) if box.ledger.exists() else {}
            return states.get("waiting", 0) + states.get("accepted", 0) == 60
        wait_until(lambda: mock.stats()["received"] >= 60 and all_are_on_record(), "60 refusals")
        self.set_clock(clock, jump)
        self.assert_code(running.finish(), 0)
        del box.environment["LD_PRELOAD"]
        self.assert_each_once(mock, box, 60)

    def test_back_while_they_wait_for_their_next_try(self):
        self.while_they_wait("-600")

    def test_forward_while_they_wait_for_their_next_try(self):
        self.while_they_wait("+600")


if __name__ == "__main__":
    unittest.main()
