#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""graphmock does what it says: answers, limits, faults, counts. Over HTTP/1.1 by http.client, over
HTTP/2 by the few frames below. GRAPHMOCK is the path of the binary. Nothing here depends on timing
but for the order of things that are far apart."""

import http.client
import json
import os
import re
import signal
import socket
import ssl
import struct
import subprocess
import time
import unittest

from harness import wait_until

GRAPHMOCK = os.environ.get("GRAPHMOCK", "build/debug/bench/graphmock")
PHONE = "106540352242922"
TO = "+919800000001"


def template(params=("Ada", "Physics", "https://x.example/1"), name="results_update", **more):
    components = [{"type": "body", "parameters": [{"type": "text", "text": p} for p in params]}]
    return {"name": name, "language": {"code": "en_US"}, "components": components, **more}


def message(to=TO, **more):
    body = {"messaging_product": "whatsapp", "to": to, "type": "template",
            "template": template()}
    body.update(more)
    return {key: value for key, value in body.items() if value is not None}


class Mock:
    """A running graphmock; use as a context."""

    def __init__(self, *flags):
        self.process = subprocess.Popen(
            [GRAPHMOCK, "--with-parent", *flags], stdout=subprocess.PIPE, text=True)
        first = self.process.stdout.readline()
        match = re.fullmatch(r"listening on (https?)://127\.0\.0\.1:(\d+)\n", first)
        assert match, first
        self.tls = match[1] == "https"
        self.port = int(match[2])
        self.context = None
        if self.tls:
            line = self.process.stdout.readline()
            self.ca = re.fullmatch(r"ca certificate: (.+)\n", line)[1]
            self.context = ssl.create_default_context(cafile=self.ca)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.code = self.process.wait(10)
        self.process.stdout.close()

    def connect(self):
        if not self.tls:
            return http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        return http.client.HTTPSConnection("127.0.0.1", self.port, timeout=20,
                                           context=self.context)

    def call(self, method, path, body=None, conn=None, **headers):
        """-> status, JSON (or text), headers; on `conn`, or on a connection of its own"""
        own = conn or self.connect()
        sent = {"Authorization": "Bearer T", "Content-Type": "application/json"}
        sent.update({k.replace("_", "-"): v for k, v in headers.items()})
        if isinstance(body, dict):
            body = json.dumps(body)
        try:
            own.request(method, path, body, {k: v for k, v in sent.items() if v is not None})
            answer = own.getresponse()
            text = answer.read().decode()
            try:
                return answer.status, json.loads(text), answer.headers
            except ValueError:
                return answer.status, text, answer.headers
        finally:
            if not conn:
                own.close()

    def send(self, body=None, conn=None, phone=PHONE, **headers):
        body = message() if body is None else body
        return self.call("POST", f"/v22.0/{phone}/messages", body, conn, **headers)

    def stats(self):
        return self.call("GET", "/_mock/stats")[1]

    def messages(self, query=""):
        return self.call("GET", "/_mock/messages" + query)[1]


class Case(unittest.TestCase):
    def check_error(self, answer, code, status=400, **more):
        """The answer is that error; gives the error object."""
        self.assertEqual(answer[0], status, answer)
        error = answer[1]["error"]
        self.assertEqual(error["code"], code)
        self.assertTrue(error["fbtrace_id"])
        for key, value in more.items():
            self.assertEqual(error.get(key), value)
        return error

    def check_dropped(self, mock, conn=None, body=None):
        """The connection ends without a whole answer."""
        with self.assertRaises((http.client.HTTPException, ConnectionError, ssl.SSLError)):
            mock.send(body, conn)


class Answers(Case):
    @classmethod
    def setUpClass(cls):
        cls.mock = Mock("--token", "T", "--phone-id", PHONE, "--template", "extra:hi:1")

    @classmethod
    def tearDownClass(cls):
        cls.mock.__exit__()

    def refused(self, body, code, status=400):
        return self.check_error(self.mock.send(body), code, status)

    def test_accepted(self):
        status, body, headers = self.mock.send()
        self.assertEqual(status, 200)
        self.assertEqual(body["contacts"], [{"input": TO, "wa_id": TO[1:]}])
        self.assertRegex(body["messages"][0]["id"], r"^wamid\.[A-Za-z0-9+/=]{40,}$")
        self.assertEqual(body["messages"][0]["message_status"], "accepted")
        self.assertEqual(headers["facebook-api-version"], "v22.0")
        self.assertTrue(headers["x-fb-request-id"])
        self.assertTrue(headers["content-type"].startswith("application/json"))

    def test_expired_version_is_served_by_an_older_one(self):
        self.assertEqual(self.mock.call("POST", f"/v19.0/{PHONE}/messages", message())[2]
                         ["facebook-api-version"], "v21.0")

    def test_token(self):
        self.check_error(self.mock.send(Authorization="Bearer X"), 190, 401)
        self.check_error(self.mock.send(Authorization=None), 104, 400)

    def test_phone_id(self):
        error = self.check_error(self.mock.send(phone="999"), 100, error_subcode=33,
                                 type="GraphMethodException")
        self.assertIn("Object with ID '999' does not exist", error["message"])

    def test_escapes(self):
        conn = self.mock.connect()
        conn.request("POST", "/v22.0/999/messages", "{}", {"Authorization": "Bearer T"})
        self.assertIn(b"https:\\/\\/developers.facebook.com\\/docs", conn.getresponse().read())
        body = message(template=template(name="\u00e4\U0001f600"))
        conn.request("POST", f"/v22.0/{PHONE}/messages", json.dumps(body, ensure_ascii=False)
                     .encode(), {"Authorization": "Bearer T", "Content-Type": "application/json"})
        self.assertIn(b"(\\u00e4\\ud83d\\ude00)", conn.getresponse().read())
        conn.close()

    def test_unknown_paths(self):
        for path in ("/v22.0/", f"/v99.0/{PHONE}/messages", f"/v22.0/{PHONE}/nothing"):
            error = self.check_error(self.mock.call("POST", path, message()), 2500)
            self.assertTrue(error["message"].startswith("Unknown path components: /"), error)

    def test_not_json(self):
        for body in ("", "{", "[]", "null", '{"a":01}', '{"a":"\\x"}', '{"a":1}x', "{'a':1}",
                     '{"a":"\n"}', '{"a":1,}', "[" * 40 + "]" * 40):
            self.refused(body, 100)
        answer = self.mock.send(Content_Type="application/x-www-form-urlencoded")
        self.check_error(answer, 100)

    def test_fields(self):
        self.refused(message(messaging_product=None), 100)
        self.refused(message(messaging_product="sms"), 100)
        self.refused(message(to=None), 131008)
        self.refused(message(to="nobody"), 131009)
        self.refused(message(to="+12"), 131009)
        self.refused(message(to="+15550783881"), 131021)
        self.refused(message(type="carrier_pigeon"), 131051)
        self.refused(message(template=None), 100)
        self.refused(message(biz_opaque_callback_data="x" * 513), 100)

    def test_template(self):
        unknown = self.refused(message(template=template(name="nope")), 132001, 404)
        self.assertEqual(unknown["error_data"]["details"],
                         "template name (nope) does not exist in en_US")
        lang = {"name": "results_update", "language": {"code": "en"}}
        self.refused(message(template=lang), 132001, 404)
        count = self.refused(message(template=template(["a"])), 132000)
        self.assertEqual(count["error_data"]["details"], "body: number of localizable_params (1) "
                         "does not match the expected number of params (3)")
        for text in ("a\nb", "a\tb", "a     b"):
            self.refused(message(template=template([text, "b", "c"])), 132018)
        self.refused(message(template=template(["", "b", "c"])), 131008)
        self.refused(message(template=template(["x" * 1000, "b", "c"])), 132005)
        self.assertEqual(self.mock.send(message(template=template(["a    b", "b", "c"])))[0], 200)

    def test_other_templates(self):
        hello = {"name": "hello_world", "language": {"code": "en_US"}}
        self.assertEqual(self.mock.send(message(template=hello))[0], 200)
        extra = template(["x"], "extra")
        extra["language"]["code"] = "hi"
        self.assertEqual(self.mock.send(message(template=extra))[0], 200)

    def test_named(self):
        def named(*names):
            body = template(["x"] * len(names), "results_named")
            for parameter, name in zip(body["components"][0]["parameters"], names):
                parameter["parameter_name"] = name
            return message(template=body)

        self.assertEqual(self.mock.send(
            named("test_name", "educator_name", "dashboard_url"))[0], 200)
        self.refused(named("test_name", "educator_name", "other"), 132012)
        self.refused(message(template=template(name="results_named")), 132012)
        positional = template()
        positional["components"][0]["parameters"][0]["parameter_name"] = "x"
        self.refused(message(template=positional), 132012)

    def test_header_and_buttons(self):
        def rich(*extra):
            body = template(["a", "b"], "results_rich")
            body["components"] += extra
            return message(template=body)

        def part(kind, text, **more):
            return {"type": kind, "parameters": [{"type": "text", "text": text}], **more}

        header = part("header", "Physics")
        url = part("button", "orders/42", sub_type="url", index="0")
        reply = {"type": "button", "sub_type": "quick_reply", "index": 1,
                 "parameters": [{"type": "payload", "payload": "ACK"}]}
        self.assertEqual(self.mock.send(rich(header, url, reply))[0], 200)
        self.assertEqual(self.mock.send(rich(header, url))[0], 200)
        self.refused(rich(url), 132000)
        self.refused(rich(header), 131008)
        self.refused(rich(header, {**url, "sub_type": "quick_reply"}), 132012)
        image = {"type": "header", "parameters": [{"type": "image", "image": {"id": "1"}}]}
        self.refused(rich(image, url), 132012)

    def test_reads(self):
        status, body, _ = self.mock.call("GET", f"/v22.0/{PHONE}?fields=status,throughput")
        self.assertEqual((status, body["status"], body["throughput"]["level"], body["id"]),
                         (200, "CONNECTED", "HIGH", PHONE))
        self.assertIn("verified_name", self.mock.call("GET", f"/v22.0/{PHONE}")[1])
        self.check_error(self.mock.call("GET", f"/v22.0/{PHONE}?fields=x"), 100)
        self.check_error(self.mock.call("GET", "/v22.0/123?fields=id"), 100, error_subcode=33)
        self.assertIn("id", self.mock.call("GET", "/v22.0/me")[1])
        self.check_error(self.mock.call("GET", "/v22.0/me", Authorization="Bearer X"), 190, 401)
        found = self.mock.call("GET", "/v22.0/2049/message_templates?name=results_up")[1]["data"]
        self.assertEqual([(t["name"], t["status"]) for t in found],
                         [("results_update", "APPROVED")])
        self.assertTrue(self.mock.call("GET", "/v22.0/debug_token?input_token=T")[1]["data"]
                        ["is_valid"])
        self.assertFalse(self.mock.call("GET", "/v22.0/debug_token?input_token=X")[1]["data"]
                         ["is_valid"])


class Http1(Case):
    """What a raw client can do to the parser."""

    def talk(self, mock, *pieces):
        """Sends the pieces one by one, gives all that comes back."""
        with socket.create_connection(("127.0.0.1", mock.port), 20) as s:
            for piece in pieces:
                s.sendall(piece)
                time.sleep(0.02)
            s.shutdown(socket.SHUT_WR)
            return b"".join(iter(lambda: s.recv(65536), b""))

    @staticmethod
    def request(body=None, extra=""):
        body = json.dumps(body or message()).encode()
        return (f"POST /v22.0/{PHONE}/messages HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer T\r\n"
                f"Content-Type: application/json\r\n{extra}Content-Length: {len(body)}\r\n\r\n"
                ).encode(), body

    def test_pieces_and_pipelining(self):
        head, body = self.request()
        with Mock("--plain", "--latency", "5") as mock:
            conn = socket.create_connection(("127.0.0.1", mock.port), 20)
            for byte in (head[:10], head[10:60], head[60:] + body[:5], body[5:] + head + body):
                conn.sendall(byte)
            got = b""
            while got.count(b"wamid.") < 2:
                got += conn.recv(65536)
            conn.close()
            self.assertEqual(mock.stats()["accepted"], 2)

    def test_chunked(self):
        body = json.dumps(message()).encode()
        head = (f"POST /v22.0/{PHONE}/messages HTTP/1.1\r\nAuthorization: Bearer T\r\n"
                "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n"
                "Connection: close\r\n\r\n").encode()
        chunks = b"%x\r\n%s\r\n%x\r\n%s\r\n0\r\n\r\n" % (10, body[:10], len(body) - 10, body[10:])
        with Mock("--plain") as mock:
            self.assertIn(b"wamid.", self.talk(mock, head + chunks[:20], chunks[20:]))

    def test_continue(self):
        head, body = self.request(extra="Expect: 100-continue\r\nConnection: close\r\n")
        with Mock("--plain") as mock:
            got = self.talk(mock, head, body)
            self.assertTrue(got.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK"), got)

    def test_garbage(self):
        with Mock("--plain") as mock:
            self.assertTrue(self.talk(mock, b"hello\r\n\r\n").startswith(b"HTTP/1.1 400"))
            self.assertTrue(self.talk(mock, b"GET / HTTP/1.1\r\nx\r\n\r\n")
                            .startswith(b"HTTP/1.1 400"))
            self.assertTrue(self.talk(mock, b"GET / HTTP/1.1\r\nx: " + b"y" * 40000)
                            .startswith(b"HTTP/1.1 431"))
            self.assertTrue(self.talk(
                mock, b"POST / HTTP/1.1\r\nContent-Length: 99999999\r\n\r\n")
                .startswith(b"HTTP/1.1 413"))
            self.assertEqual(mock.send()[0], 200)


class Limits(Case):
    def test_rate_is_exact(self):
        with Mock("--rate", "5") as mock:
            conn = mock.connect()
            codes = [mock.send(message(f"+9198000000{n:02}"), conn)[0] for n in range(8)]
            self.assertEqual(codes, [200] * 5 + [400] * 3)
            error = self.check_error(mock.send(conn=conn), 130429, error_subcode=2494055)
            self.assertEqual(error["message"], "(#130429) Rate limit hit")
            time.sleep(1.1)
            self.assertEqual(mock.send(conn=conn)[0], 200)
            conn.close()
            stats = mock.stats()
            self.assertEqual((stats["received"], stats["accepted"], stats["refused_by_code"]),
                             (10, 6, {"130429": 4}))
            phone = stats["phones"][0]
            self.assertEqual((phone["highest_second"], phone["highest_passed_second"]), (9, 5))

    def test_rate_is_per_number_and_refused_payloads_do_not_count(self):
        with Mock("--rate", "1", "--throttle-status", "429") as mock:
            self.check_error(mock.send(message(to=None)), 131008)
            self.assertEqual(mock.send()[0], 200)
            self.check_error(mock.send(), 130429, 429)
            self.assertEqual(mock.send(phone="222222")[0], 200)

    def test_pair(self):
        for model in ("--pair", "--pair=gcra"):
            with Mock(model) as mock:
                conn = mock.connect()
                codes = [mock.send(conn=conn)[0] for _ in range(47)]
                self.assertEqual(codes, [200] * 45 + [400] * 2)
                self.check_error(mock.send(conn=conn), 131056)
                self.assertEqual(mock.send(message("+919800000002"), conn)[0], 200)
                conn.close()


class Counts(Case):
    def test_messages_and_reset(self):
        with Mock() as mock:
            mock.send(message(biz_opaque_callback_data="a/1"))
            mock.send(message(biz_opaque_callback_data="a/2"))
            mock.send(message("+919800000002"))
            listed = mock.messages()
            self.assertEqual([(m["to"], m["opaque"], m["accepted"]) for m in listed],
                             [(TO, "a/1", 2), (TO, "a/2", 2), ("+919800000002", "", 1)])
            self.assertEqual(listed[0]["params"], ["Ada", "Physics", "https://x.example/1"])
            self.assertEqual(listed[0]["template"], "results_update")
            self.assertEqual(listed[0]["phone_id"], PHONE)
            self.assertEqual(len(mock.messages("?to=%2B919800000002")), 1)
            self.assertEqual(mock.messages("?offset=1&limit=1")[0]["opaque"], "a/2")
            stats = mock.stats()
            self.assertEqual((stats["messages"], stats["accepted_again"]), (2, 1))
            mock.call("POST", "/_mock/reset")
            self.assertEqual(mock.messages(), [])
            self.assertEqual((mock.stats()["requests"], mock.stats()["accepted"]), (0, 0))

    def test_forget_counts_all_the_same(self):
        with Mock("--forget") as mock:
            mock.send()
            mock.send()
            self.assertEqual(mock.messages(), [])
            self.assertEqual(mock.stats()["accepted_again"], 1)

    def test_wamids_differ(self):
        with Mock() as mock:
            ids = {mock.send()[1]["messages"][0]["id"] for _ in range(20)}
            self.assertEqual(len(ids), 20)
            self.assertEqual({m["wamid"] for m in mock.messages()}, ids)


class Faults(Case):
    def run_fault(self, spec, *flags):
        mock = Mock("--fault", spec, *flags)
        self.addCleanup(mock.__exit__)
        return mock

    def check_counts(self, mock, **expected):
        stats = mock.stats()
        self.assertEqual({key: stats[key] for key in expected}, expected)

    def test_code(self):
        mock = self.run_fault("code=131026@n2-3")
        self.assertEqual(mock.send()[0], 200)
        self.check_error(mock.send(), 131026)
        self.check_error(mock.send(), 131026)
        self.assertEqual(mock.send()[0], 200)
        self.check_counts(mock, received=4, accepted=2)
        self.assertEqual(mock.stats()["faults"], [{"spec": "code=131026@n2-3", "hits": 2}])

    def test_code_options(self):
        mock = self.run_fault("code=1,status=500,transient,retry_after=7,accepted")
        answer = mock.send()
        self.check_error(answer, 1, 500, is_transient=True)
        self.assertEqual(answer[2]["retry-after"], "7")
        self.check_counts(mock, accepted=1)

    def test_token_expires(self):
        mock = self.run_fault("code=190")
        answer = mock.send()
        self.check_error(answer, 190, 401, error_subcode=463)
        self.check_error(self.run_fault("code=100,subcode=33").send(), 100, error_subcode=33)

    def test_whens(self):
        mock = self.run_fault("code=131026@to+919800000007")
        self.assertEqual(mock.send()[0], 200)
        self.check_error(mock.send(message("+919800000007")), 131026)
        mock = self.run_fault("code=131000@try1")
        for number in ("+919800000001", "+919800000002"):
            self.check_error(mock.send(message(number)), 131000, 500)
            self.assertEqual(mock.send(message(number))[0], 200)
        mock = self.run_fault("html502@every3")
        self.assertEqual([mock.send()[0] for _ in range(6)], [200, 200, 502, 200, 200, 502])
        mock = self.run_fault("code=2@t0-60s")
        self.check_error(mock.send(), 2, 503)
        mock = self.run_fault("code=2@t60s-90s")
        self.assertEqual(mock.send()[0], 200)

    def test_chance_comes_from_the_seed(self):
        def statuses(seed):
            with Mock("--fault", "html500@p0.5", "--seed", seed) as mock:
                conn = mock.connect()
                self.addCleanup(conn.close)
                return [mock.send(conn=conn)[0] for _ in range(40)]

        first = statuses("7")
        self.assertEqual(first, statuses("7"))
        self.assertNotEqual(first, statuses("8"))
        self.assertTrue(5 < first.count(500) < 35)

    def test_not_graphs_answers(self):
        status, body, headers = self.run_fault("html500").send()
        self.assertEqual((status, body[:9]), (500, "<!DOCTYPE"))
        self.assertTrue(headers["content-type"].startswith("text/html"))
        self.assertEqual(self.run_fault("empty503").send()[:2], (503, ""))
        self.assertEqual(self.run_fault("noid").send()[1], {"messaging_product": "whatsapp"})
        mock = self.run_fault("big")
        conn = mock.connect()
        conn.request("POST", f"/v22.0/{PHONE}/messages", json.dumps(message()),
                     {"Authorization": "Bearer T", "Content-Type": "application/json"})
        self.assertGreater(len(conn.getresponse().read()), 10_000_000)
        conn.close()

    def test_status_of_the_message(self):
        self.assertEqual(self.run_fault("held").send()[1]["messages"][0]["message_status"],
                         "held_for_quality_assessment")
        self.assertEqual(self.run_fault("paused").send()[1]["messages"][0]["message_status"],
                         "paused")

    def test_accepted_but_dropped(self):
        for kind in ("close", "cut", "rst"):
            with self.subTest(kind):
                mock = self.run_fault(f"{kind}@n1")
                self.check_dropped(mock)
                self.check_counts(mock, received=1, accepted=1)
                self.assertEqual(mock.send()[0], 200)

    def test_close_unread(self):
        for kind in ("close_unread", "refused"):
            mock = self.run_fault(kind)
            self.check_dropped(mock)
            self.check_counts(mock, received=0, accepted=0, lost=1)

    def test_close_reused(self):
        mock = self.run_fault("close_reused")
        conn = mock.connect()
        self.assertEqual(mock.send(message("+919800000001"), conn)[0], 200)
        self.check_dropped(mock, conn, message("+919800000002"))
        conn.close()
        self.check_counts(mock, received=2, accepted=2, received_again=0)

    def test_hang(self):
        for kind, accepted in (("hang", 0), ("hang_accepted", 1)):
            mock = self.run_fault(kind)
            conn = mock.connect()
            conn.timeout = 0.5
            with self.assertRaises(TimeoutError):
                mock.send(conn=conn)
            conn.close()
            self.check_counts(mock, accepted=accepted)

    def test_keepalive_close(self):
        mock = self.run_fault("keepalive_close")
        self.assertEqual(mock.send()[2]["connection"], "close")
        mock = self.run_fault("goaway_abrupt")
        conn = mock.connect()
        self.assertEqual(mock.send(conn=conn)[2]["connection"], "keep-alive")
        self.check_dropped(mock, conn)
        conn.close()

    def test_on_top_of_others(self):
        mock = self.run_fault("retry_after=3", "--fault", "code=130429", "--fault", "html500",
                              "--throttle-status", "429")
        answer = mock.send()
        self.check_error(answer, 130429, 429)
        self.assertEqual(answer[2]["retry-after"], "3")
        mock = self.run_fault("slow=300")
        start = time.monotonic()
        mock.send()
        self.assertGreaterEqual(time.monotonic() - start, 0.3)

    def test_brownout(self):
        mock = self.run_fault("brownout@t0-1500ms")
        conn = mock.connect()
        conn.connect()
        conn.sock.settimeout(0.3)
        with self.assertRaises(TimeoutError):
            mock.send(conn=conn)
        conn.close()
        self.assertEqual(mock.send()[0], 200)  # its handshake waits for the end
        self.check_counts(mock, accepted=1, lost=1,
                          faults=[{"spec": "brownout@t0-1500ms", "hits": 1}])

    def test_max_requests(self):
        with Mock("--max-requests", "2") as mock:
            conn = mock.connect()
            self.assertEqual([mock.send(conn=conn)[2]["connection"] for _ in range(3)],
                             ["keep-alive", "close", "keep-alive"])
            conn.close()


class Http2Client:
    """The least of HTTP/2: literal headers out, frames in; answers' headers are not decoded."""

    DATA, HEADERS, RST, SETTINGS, PING, GOAWAY = 0, 1, 3, 4, 6, 7

    def __init__(self, mock):
        sock = socket.create_connection(("127.0.0.1", mock.port), 20)
        if mock.tls:
            context = ssl.create_default_context(cafile=mock.ca)
            context.set_alpn_protocols(["h2"])
            sock = context.wrap_socket(sock, server_hostname="localhost")
            assert sock.selected_alpn_protocol() == "h2"
        self.sock = sock
        self.left = b""
        self.next_id = 1
        self.sock.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + self.frame(self.SETTINGS, 0, 0))

    @staticmethod
    def frame(kind, flags, stream, payload=b""):
        return struct.pack(">I", len(payload))[1:] + struct.pack(">BBI", kind, flags, stream) \
            + payload

    @staticmethod
    def literal(name, value):
        assert len(name) < 127 and len(value) < 127
        return b"\0" + bytes([len(name)]) + name.encode() + bytes([len(value)]) + value.encode()

    def request(self, body):
        """The frames of one send."""
        stream, self.next_id = self.next_id, self.next_id + 2
        head = b"".join(self.literal(*h) for h in (
            (":method", "POST"), (":scheme", "https"), (":path", f"/v22.0/{PHONE}/messages"),
            (":authority", "localhost"), ("authorization", "Bearer T"),
            ("content-type", "application/json")))
        return self.frame(self.HEADERS, 4, stream, head) \
            + self.frame(self.DATA, 1, stream, json.dumps(body).encode())

    def send(self, *bodies):
        """All in one write."""
        self.sock.sendall(b"".join(self.request(body) for body in bodies))

    def frames(self):
        """Until the connection ends: kind, flags, stream, payload."""
        while True:
            while len(self.left) >= 9:
                size = int.from_bytes(self.left[:3], "big")
                if len(self.left) < 9 + size:
                    break
                kind, flags, stream = struct.unpack(">BBI", self.left[3:9])
                payload, self.left = self.left[9:9 + size], self.left[9 + size:]
                yield kind, flags, stream, payload
            try:
                got = self.sock.recv(65536)
            except (ConnectionError, ssl.SSLError):
                return
            if not got:
                return
            self.left += got

    def until(self, *wanted):
        """The frames up to and with the first (kind, stream) that is wanted."""
        seen = []
        for frame in self.frames():
            seen.append(frame)
            if (frame[0], frame[2]) in wanted:
                break
        return seen

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.sock.close()


def bodies(count):
    return [message(f"+91980000{n:04}") for n in range(count)]


class Http2(Case):
    C = Http2Client

    def start(self, *flags):
        mock = Mock(*flags)
        self.addCleanup(mock.__exit__)
        client = Http2Client(mock)
        self.addCleanup(client.sock.close)
        return mock, client

    def answered(self, frames):
        """The streams that got an answer whole."""
        return sorted(f[2] for f in frames if f[0] == self.C.DATA and f[1] & 1)

    def test_answers(self):
        for flags in ((), ("--plain",)):
            mock, client = self.start(*flags)
            client.send(*bodies(3))
            seen = []
            while len(self.answered(seen)) < 3:
                seen += client.until(*((self.C.DATA, n) for n in (1, 3, 5)))
            self.assertIn(b"wamid.", [f[3] for f in seen if f[0] == self.C.DATA][0])
            self.assertEqual(mock.stats()["accepted"], 3)

    def test_rst(self):
        for kind, code, accepted in (("rst", 2, 1), ("refused", 7, 0), ("cut", 2, 1)):
            mock, client = self.start("--fault", kind)
            client.send(message())
            last = client.until((self.C.RST, 1))[-1]
            self.assertEqual((last[0], int.from_bytes(last[3], "big")), (self.C.RST, code), kind)
            self.assertEqual((mock.stats()["accepted"], mock.stats()["lost"]),
                             (accepted, 1 - accepted))

    def test_close(self):
        mock, client = self.start("--fault", "close")
        client.send(message())
        self.assertEqual(self.answered(client.frames()), [])
        self.assertEqual(mock.stats()["accepted"], 1)

    def goaways(self, frames):
        return [int.from_bytes(f[3][:4], "big") for f in frames if f[0] == self.C.GOAWAY]

    def test_goaway_in_two_steps(self):
        mock, client = self.start("--fault", "goaway@n2", "--latency", "30")
        client.send(*bodies(4))
        frames = list(client.frames())
        self.assertEqual(self.goaways(frames), [2**31 - 1, 7])
        self.assertEqual(self.answered(frames), [1, 3, 5, 7])
        self.assertEqual(mock.stats()["accepted"], 4)

    def test_goaway_abrupt(self):
        for flags in (("--fault", "goaway_abrupt@n2"), ("--max-requests", "2")):
            mock, client = self.start("--latency", "30", *flags)
            client.send(*bodies(5))
            frames = list(client.frames())
            self.assertEqual(self.goaways(frames), [3])
            self.assertEqual(self.answered(frames), [1, 3])
            stats = mock.stats()
            self.assertEqual((stats["received"], stats["accepted"], stats["lost"]), (2, 2, 0))

    def test_many_streams(self):
        mock, client = self.start("--latency", "1-40")
        client.send(*bodies(100))
        seen = []
        for frame in client.frames():
            seen.append(frame)
            if len(self.answered(seen)) == 100:
                break
        stats = mock.stats()
        self.assertEqual((stats["accepted"], stats["accepted_again"]), (100, 0))


class Process(Case):
    def test_tls(self):
        with Mock() as mock:
            for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
                for name in ("127.0.0.1", "localhost"):
                    context = ssl.create_default_context(cafile=mock.ca)
                    context.minimum_version = context.maximum_version = version
                    with socket.create_connection(("127.0.0.1", mock.port), 20) as sock:
                        with context.wrap_socket(sock, server_hostname=name) as tls:
                            self.assertIsNone(tls.selected_alpn_protocol())
            with socket.create_connection(("127.0.0.1", mock.port), 20) as sock:
                with self.assertRaises(ssl.SSLCertVerificationError):
                    ssl.create_default_context().wrap_socket(sock, server_hostname="localhost")
            wait_until(lambda: mock.stats()["connections"]["failed_handshakes"] == 1,
                       "the failed handshake to be counted")

    def test_usage(self):
        for flags in (["--rat", "5"], ["--latency", "fast"], ["--fault", "explode"],
                      ["--fault", "close@never"], ["--fault", "brownout"], ["--template", "x"],
                      ["--throttle-status", "500"], ["--pair=x"], ["--listen", "nowhere"],
                      ["extra"], ["--max-streams", "0"], ["--listen", "127.0.0.1:99999"],
                      ["--listen", "127.0.0.1:"], ["--status", "delivered=1"], ["--zzz"]):
            done = subprocess.run([GRAPHMOCK, *flags], capture_output=True, text=True, timeout=10)
            self.assertEqual((done.returncode, done.stdout), (64, ""), flags)
            self.assertEqual(done.stderr.count("\n"), 1, flags)
        self.assertIn("--rate", subprocess.run([GRAPHMOCK, "--rat", "5"], capture_output=True,
                                               text=True, timeout=10).stderr)
        self.assertIn("'graphmock --help' lists them", subprocess.run(
            [GRAPHMOCK, "--zzz"], capture_output=True, text=True, timeout=10).stderr)
        done = subprocess.run([GRAPHMOCK, "--help"], capture_output=True, text=True, timeout=10)
        self.assertEqual(done.returncode, 0)
        self.assertIn("close_reused", done.stdout)

    def test_leaves_nothing_behind(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            with Mock("--latency", "60000") as mock:
                directory = os.path.dirname(mock.ca)
                conn = mock.connect()
                conn.request("POST", f"/v22.0/{PHONE}/messages", json.dumps(message()),
                             {"Authorization": "Bearer T", "Content-Type": "application/json"})
                while mock.stats()["accepted"] < 1:
                    time.sleep(0.01)
                mock.process.send_signal(number)
                self.assertEqual(mock.process.wait(10), 0)
                self.assertFalse(os.path.exists(directory))
                conn.close()

    def test_address_in_use(self):
        with Mock("--plain") as mock:
            done = subprocess.run([GRAPHMOCK, "--listen", f"127.0.0.1:{mock.port}"],
                                  capture_output=True, text=True, timeout=10)
            self.assertEqual(done.returncode, 69)

    def test_ends_with_its_parent(self):
        script = f"{GRAPHMOCK} --plain --with-parent & echo $!; sleep 0.3; kill -9 $$"
        parent = subprocess.Popen(["sh", "-c", script], stdout=subprocess.PIPE, text=True)
        parent.wait(10)
        text = parent.stdout.read()  # ends when the mock, which holds the pipe too, is gone
        parent.stdout.close()
        self.assertRegex(text, r"listening on http://")


if __name__ == "__main__":
    unittest.main()
