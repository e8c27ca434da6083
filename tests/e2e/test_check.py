# SPDX-License-Identifier: MIT
"""What `check` finds beside Graph: Redis, the ledger's file, the secrets of webhooks."""
import email.utils
import http.server
import json
import re
import threading
import time
import unittest
from pathlib import Path

from harness import PHONE_ID, EndToEnd, free_port
from redis_server import RedisServer, Wire

READY = "✅ Configuration is VALID"


class WithCheck(EndToEnd):
    def findings(self, box, *flags):
        """What was found, as [(subject, result, text)]."""
        answer = json.loads(box.run("check", "--json", *flags).out)
        return [(c["check"], c["result"], c["text"]) for c in answer["checks"]]

    def assert_found(self, box, subject, result, words, *flags):
        found = [f for f in self.findings(box, *flags) if f[:2] == (subject, result)]
        self.assertEqual(len(found), 1, self.findings(box, *flags))
        self.assertRegex(found[0][2], words)


class Graph:
    """What Graph says of a number and a template, as a test wants it."""

    BODY = "Hello {{1}}, the results of {{2}} are ready: {{3}}"

    def __init__(self):
        self.phone = {"id": PHONE_ID, "verified_name": "Sunrise", "display_phone_number": "15550783881",
                      "quality_rating": "GREEN", "status": "CONNECTED", "throughput": {"level": "HIGH"}}
        self.template = {"name": "results_update", "language": "en_US", "status": "APPROVED"}
        self.body, self.version, self.ahead_s = self.BODY, "v23.0", 0
        graph = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                graph.answer(self)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.02,))
        self.thread.start()

    def answer(self, request):
        template = dict(self.template, components=[{"type": "BODY", "text": self.body}])
        is_template = "/message_templates" in request.path
        body = json.dumps({"data": [template]} if is_template else self.phone).encode()
        request.send_response_only(200)
        for name, value in (("Date", email.utils.formatdate(time.time() + self.ahead_s, usegmt=True)),
                            ("facebook-api-version", self.version),
                            ("Content-Length", len(body))):
            request.send_header(name, str(value))
        request.end_headers()
        request.wfile.write(body)

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server.server_port}"

    def stop(self):
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


class GraphsWord(WithCheck):
    """Each word of Graph's about the number and the template, one at a time."""

    def setUp(self):
        self.graph = Graph()
        self.addCleanup(self.graph.stop)
        self.installation = self.box(settings={"whatsapp.api_base": self.graph.url,
                                               "whatsapp.api_version": self.graph.version,
                                               "rate.messages_per_second": "80"})

    def check(self, subject, result, words, code):
        self.assert_found(self.installation, subject, result, words)
        self.assert_code(self.installation.run("check", "--strict=warn"), code)

    def test_all_is_well(self):
        self.assert_code(self.installation.run("check", "--strict=warn"), 0)
        self.check("template", "ok", "is approved, 3 parameters", 0)
        self.check("throughput", "ok", "level HIGH allows 1000 a second, configured 80$", 0)

    def test_the_number(self):
        for changed, subject, words in (
                ({"status": "BANNED"}, "phone number", "is BANNED"),
                ({"quality_rating": "RED"}, "quality", "RED")):
            right, self.graph.phone = self.graph.phone, dict(self.graph.phone, **changed)
            with self.subTest(subject):
                self.check(subject, "warning", words, 78)
            self.graph.phone = right

    def test_a_rate_above_what_the_number_may(self):
        self.graph.phone["throughput"] = {"level": "STANDARD"}
        self.check("throughput", "ok", "level STANDARD allows 80 a second, configured 80$", 0)
        self.installation.set({"rate.messages_per_second": "81"})
        self.check("throughput", "warning", "allows 80 a second, configured 81$", 78)
        self.installation.set({"rate.messages_per_second": "unlimited"})
        self.check("throughput", "warning", "allows 80 a second, configured unlimited$", 78)

    def test_a_template_that_is_not_approved(self):
        for status in ("PAUSED", "PENDING", "DISABLED", "REJECTED"):
            with self.subTest(status):
                self.graph.template["status"] = status
                self.check("template", "error", f"is {status}: it must be approved", 78)

    def test_how_many_parameters_it_takes(self):
        for body, takes in (("{{1}} and {{2}}", 2), ("{{1}}, {{2}}, {{3}}, {{4}}", 4)):
            with self.subTest(body):
                self.graph.body = body
                self.check("template", "error", f"takes {takes} parameters.* names 3", 78)
        for body in ("{{1}} {{2}} {{1}} {{3}} {{2}}", "{{a}} {{ab}} {{b}} {{a}}", "{{1}}{{10}}{{11}}"):
            with self.subTest(body):
                self.graph.body = body
                self.check("template", "ok", "3 parameters", 0)

    def test_another_version_answers(self):
        self.graph.version = "v99.0"
        self.check("version", "warning", "v99.0 answered: set whatsapp.api_version", 78)

    def test_a_clock_that_is_wrong(self):
        for ahead_s, words in ((7200, r"^-7[01]\d\d s away"), (-7200, r"^7[23]\d\d s away")):
            with self.subTest(ahead_s):
                self.graph.ahead_s = ahead_s
                self.check("clock", "warning", words, 78)


class Redis(WithCheck):
    def redis(self, *flags, **more):
        server = RedisServer(*flags, **more)
        self.addCleanup(server.stop)
        return server

    def box_for(self, url):
        return self.box(self.mock(), {"redis.url": url, "rate.messages_per_second": "80"})

    def test_one_that_keeps_its_data(self):
        server = self.redis()
        box = self.box_for(server.url)
        self.assert_found(box, "redis", "ok", rf"^127.0.0.1:{server.port} answers, version \d")
        self.assert_found(box, "redis data", "ok", "appendonly yes.*noeviction")
        self.assert_code(box.run("check", "--strict=warn"), 0)
        wire = Wire(server.port)
        self.assertEqual(wire("KEYS", "*"), [])  # no lock, no group, nothing
        wire.close()

    def test_one_that_loses_or_evicts(self):
        for flags, words in ((("--appendonly", "no"), "appendonly is no"),
                             (("--appendonly", "yes", "--maxmemory-policy", "allkeys-lru"),
                              "maxmemory-policy is allkeys-lru")):
            with self.subTest(words=words):
                box = self.box_for(self.redis(*flags).url)
                self.assert_found(box, "redis data", "warning", words)
                self.assert_code(box.run("check", "--strict"), 0)
                self.assert_code(box.run("check", "--strict=warn"), 78)

    def refused(self, url, code, words):
        box = self.box_for(url)
        self.assert_found(box, "redis", "error", words)
        result = box.run("check", "--strict")
        self.assert_code(result, code)
        self.assertNotIn("hush", result.out + result.err)
        self.assertNotIn(READY, result.out)
        offline = box.run("check", "--offline", "--strict")
        self.assert_code(offline, 0)
        self.assertNotIn("redis", offline.out)

    def test_nobody_there(self):
        port = free_port()
        self.refused(f"redis://:hush@127.0.0.1:{port}", 69,
                     f"127.0.0.1:{port} cannot be reached: .*refused")

    def test_a_wrong_password_or_none(self):
        server = self.redis(password="right")
        self.refused(f"redis://:hush@127.0.0.1:{server.port}", 77, "password in redis.url is wrong")
        self.refused(f"redis://127.0.0.1:{server.port}", 77, "a password is needed")
        self.assert_found(self.box_for(server.url), "redis", "ok", "answers")

    def test_no_such_database(self):
        server = self.redis()
        self.refused(f"redis://127.0.0.1:{server.port}/99", 78, "names a database")

    def test_a_replica(self):
        server = self.redis("--replicaof", "127.0.0.1", str(free_port()))
        self.refused(server.url, 78, "this is a replica")

    def test_a_user_who_may_not_ask(self):
        server = self.redis()
        wire = Wire(server.port)
        wire("ACL", "SETUSER", "some", "on", ">right", "~*", "+@all", "-info")
        wire.close()
        box = self.box_for(f"redis://some:right@127.0.0.1:{server.port}")
        self.assert_found(box, "redis", "ok", "answers")
        self.assert_found(box, "redis data", "warning", r"not known.*\+info")

    def test_rights_that_do_not_suffice(self):
        server = self.redis()
        wire = Wire(server.port)
        self.addCleanup(wire.close)
        box = self.box_for(f"redis://some:right@127.0.0.1:{server.port}")
        stream = ("XADD", "tidings:send", "*", "to", "nobody")
        group = ("XGROUP", "CREATE", "tidings:send", "tidings", "0", "MKSTREAM")
        wire("ACL", "SETUSER", "some", "on", ">right", "~*", "+@all")
        for made in (None, group, stream):
            if made:
                wire(*made)
            for right in ("xgroup|create", "xreadgroup", "xack", "xclaim", "xpending", "xrange",
                          "xinfo|groups", "xinfo|stream", "xadd", "eval", "get", "set", "pexpire",
                          "del", "xtrim"):
                with self.subTest(right=right, made=made):
                    before = wire("KEYS", "*")
                    wire("ACL", "SETUSER", "some", "reset", "on", ">right", "~*", "+@all",
                         f"-{right}")
                    self.assert_found(box, "redis rights", "error",
                                      rf"may not use {re.escape(right)};.*conf/redis.acl")
                    self.assertEqual(wire("KEYS", "*"), before)
            self.assert_code(box.run("check", "--strict"), 77)

    def test_rights_to_the_keys(self):
        server = self.redis()
        wire = Wire(server.port)
        self.addCleanup(wire.close)
        wire("ACL", "SETUSER", "some", "on", ">right", "~tidings:send*", "~tidings:result", "+@all")
        box = self.box_for(f"redis://some:right@127.0.0.1:{server.port}")
        self.assert_found(box, "redis rights", "error",
                          r"may not use xadd \(tidings:status\), xadd \(tidings:dead\);")

    def test_asking_for_the_rights_changes_nothing(self):
        server = self.redis()
        wire = Wire(server.port)
        self.addCleanup(wire.close)
        wire("XGROUP", "CREATE", "tidings:send", "tidings", "0", "MKSTREAM")
        wire("XADD", "tidings:send", "*", "to", "nobody")
        wire("XADD", "tidings:send", "*", "to", "nobody")
        wire("XREADGROUP", "GROUP", "tidings", "one", "COUNT", "1", "STREAMS", "tidings:send", ">")
        lock = f"tidings:send:lock:tidings:{PHONE_ID}"
        wire("SET", lock, "somebody", "PX", "600000")
        facts = (("KEYS", "*"), ("XINFO", "STREAM", "tidings:send", "FULL"), ("GET", lock))
        before = [wire(*fact) for fact in facts]
        box = self.box_for(server.url)
        self.assert_found(box, "redis rights", "ok", "suffice")
        self.assertEqual([wire(*fact) for fact in facts], before)
        self.assertGreater(wire("PTTL", lock), 0)

    def test_the_least_rights_suffice(self):
        server = self.redis()
        wire = Wire(server.port)
        self.addCleanup(wire.close)
        acl = (Path(__file__).resolve().parents[2] / "conf/redis.acl").read_text(encoding="utf-8")
        line = next(x for x in acl.splitlines() if x.startswith("user "))
        wire("ACL", "SETUSER", *line.split()[1:])
        box = self.box_for(f"redis://tidings:change-me@127.0.0.1:{server.port}")
        self.assert_found(box, "redis rights", "ok", "suffice")

    def test_a_url_that_is_none(self):
        box = self.box(settings={"redis.url": "redis://:hush@host:port"}, seal=False)
        line = next(i for i, text in enumerate(box.config.read_text().splitlines(), 1)
                    if text.startswith("url = "))
        result = box.run("check", "--offline")
        self.assert_code(result, 78)
        self.assertIn(f"{box.config}:{line}: redis.url: the port is none", result.err)
        self.assertNotIn("hush", result.err)


class Ledger(WithCheck):
    def test_a_file_that_is_no_ledger(self):
        box = self.box()
        box.ledger.parent.mkdir()
        box.ledger.write_bytes(b"")
        self.assert_found(box, "ledger", "ok", "ledger.db", "--offline")
        box.ledger.write_bytes(b"no ledger at all\n" * 400)
        self.assert_found(box, "ledger", "error", "no ledger", "--offline")
        self.assert_code(box.run("check", "--offline", "--strict"), 78)
        self.assertEqual([x.name for x in box.ledger.parent.iterdir()], ["ledger.db"])

    def test_a_folder_in_its_place(self):
        box = self.box()
        box.ledger.mkdir(parents=True)
        self.assert_found(box, "ledger", "error", "is a folder", "--offline")
        for command in (("log",), ("send", "+919800000001", "A", "B", "C")):
            result = box.run(*command)
            self.assert_code(result, 78)
            self.assertIn("is a folder", result.err)
            self.assertNotIn("unknown", result.err)

    def test_a_place_where_none_can_be(self):
        box = self.box()
        for path, why in ((box.folder / "key" / "ledger.db", "Not a directory"),
                          (box.folder / ("x" * 300), "name too long"), ("/dev/null", "no regular")):
            self.assert_found(box, "ledger", "error", why, "--offline", "--set",
                              f"ledger.path={path}")

    def test_a_path_that_is_too_long_for_a_socket(self):
        box = self.box()
        box.set({"ledger.path": box.folder / ("x" * 50) / ("y" * 50) / "ledger.db"})
        self.assert_found(box, "control", "warning", "the system allows 107", "--offline")

    def test_one_in_use(self):
        mock = self.mock()
        box = self.box(mock)
        self.assert_code(box.run("send", "+919800000001", "A", "B", "C"), 0)
        self.assert_found(box, "ledger", "ok", "ledger.db")


class Certificates(WithCheck):
    """whatsapp.ca_file: what is wrong with it is no network that is down."""

    def bad_files(self, folder):
        csv, cut = folder / "x.csv", folder / "cut.pem"
        csv.write_text("to,p1\n+919800000001,Asha\n")
        cut.write_text("-----BEGIN CERTIFICATE-----\nMIIB\n")
        return ((csv, "has no PEM certificate"), (cut, "has no PEM certificate"),
                (folder, "is no regular file"), (folder / "none", "No such file"))

    def test_one_that_is_none(self):
        mock = self.mock()
        box = self.box(mock)
        file = box.results("r.csv", 2)
        for path, why in self.bad_files(box.folder):
            said = f"whatsapp.ca_file: {path}: {why}.*PEM certificates"
            flag = ("--set", f"whatsapp.ca_file={path}")
            for command in (("send", "+919800000001", "A", "B", "C"), ("broadcast", file),
                            ("broadcast", file, "--dry-run"),
                            ("run", "--set", "redis.url=redis://127.0.0.1:1")):
                with self.subTest(path=path, command=command):
                    result = box.run(*command, *flag)
                    self.assert_code(result, 78)
                    self.assertRegex(result.err, said)
                    self.assertNotIn("Send?", result.err)
            for flags in ((), ("--offline",)):
                self.assert_found(box, "certificates", "error", said, *flag, *flags)
                self.assert_code(box.run("check", "--strict", *flag, *flags), 78)
        self.assertEqual(mock.stats()["received"], 0)

    def test_one_that_is_good(self):
        box = self.box(self.mock())
        self.assert_found(box, "certificates", "ok", "ca.pem", "--offline")


class Webhook(WithCheck):
    def test_secrets_that_others_can_read(self):
        for key in ("webhook.app_secret_file", "webhook.verify_token_file"):
            with self.subTest(key=key):
                box = self.box()
                path = box.folder / "secret"
                path.write_text("hush\n")
                path.chmod(0o644)
                box.set({key: path})
                self.assert_found(box, key, "error", "chmod 600", "--offline")
                result = box.run("check", "--offline", "--strict")
                self.assert_code(result, 78)
                path.chmod(0o600)
                self.assert_code(box.run("check", "--offline", "--strict"), 0)

    def test_what_a_listener_needs(self):
        box = self.box(settings={"webhook.listen": "127.0.0.1:0"})
        self.assert_found(box, "webhook", "error", "app_secret_file is not set", "--offline")
        secret = box.folder / "secret"
        secret.write_text("one\ntwo\nthree\n")
        secret.chmod(0o600)
        box.set({"webhook.app_secret_file": secret})
        self.assert_found(box, "webhook", "error", "one secret, or the old and the new",
                          "--offline")
        secret.write_text("one\ntwo\n")
        self.assert_found(box, "webhook", "ok", "opens", "--offline")


if __name__ == "__main__":
    unittest.main()
