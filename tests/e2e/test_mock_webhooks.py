# SPDX-License-Identifier: MIT
"""graphmock reports what becomes of messages: what Meta's webhooks look like, and all that can go
wrong with them."""
import collections
import http.client
import json
import subprocess
import tempfile
import unittest
from pathlib import Path

from harness import GRAPHMOCK, PHONE_ID, WABA_ID, EndToEnd, free_port, number, wait_until
from webhook_receiver import SECRET, Receiver

QUICK = ("--webhook-delay", "0-20")
OPAQUE = "t1abcdefghijklmnopqrstuvwxyz23456789"


def send(mock, to, opaque=OPAQUE, conn=None):
    body = {"messaging_product": "whatsapp", "to": to, "type": "template",
            "biz_opaque_callback_data": opaque,
            "template": {"name": "hello_world", "language": {"code": "en_US"}}}
    own = conn or http.client.HTTPConnection("127.0.0.1", mock.port, timeout=20)
    try:
        own.request("POST", f"/v22.0/{PHONE_ID}/messages", json.dumps(body),
                    {"Authorization": "Bearer T", "Content-Type": "application/json"})
        return json.loads(own.getresponse().read())
    finally:
        if not conn:
            own.close()


class Webhooks(EndToEnd):
    def start_mock(self, *flags, receiver=None, faults=()):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        secret = Path(folder.name, "secret")
        secret.write_bytes(SECRET + b"\n")
        if not receiver:
            receiver = Receiver()
            self.addCleanup(receiver.stop)
        mock = self.mock("--webhook", receiver.url, "--app-secret", secret, *QUICK, *flags,
                         tls=False, faults=faults)
        return mock, receiver

    def receiver(self, *args, **kwargs):
        receiver = Receiver(*args, **kwargs)
        self.addCleanup(receiver.stop)
        return receiver

    def send_all(self, mock, count, opaque=lambda i: f"{OPAQUE[:-5]}{i:05d}"):
        conn = http.client.HTTPConnection("127.0.0.1", mock.port, timeout=20)
        for i in range(count):
            send(mock, number(i), opaque(i), conn)
        conn.close()

    def finish(self, mock):
        """Until nothing is left to report; gives the counts."""
        def counts():
            w = mock.stats()["webhooks"]
            return w if w["waiting"] + w["queued"] == 0 else None
        return wait_until(counts, "the last webhook")

    def by_recipient(self, receiver):
        told = collections.defaultdict(list)
        for _, _, status in receiver.statuses():
            told[status["recipient_id"]].append(status["status"])
        return told

    def test_shape(self):
        mock, receiver = self.start_mock("--status", "delivered=1,read=1")
        wamid = send(mock, "+919800000001")["messages"][0]["id"]
        self.finish(mock)
        statuses = receiver.statuses()
        self.assertEqual([s["status"] for _, _, s in statuses], ["sent", "delivered", "read"])
        for waba, phone, status in statuses:
            self.assertEqual((waba, phone), (WABA_ID, PHONE_ID))
            self.assertEqual((status["id"], status["recipient_id"]), (wamid, "919800000001"))
            self.assertEqual(status["biz_opaque_callback_data"], OPAQUE)
            self.assertIsInstance(status["timestamp"], str)
        for body in receiver.bodies:
            self.assertEqual(body["object"], "whatsapp_business_account")
            for entry in body["entry"]:
                for change in entry["changes"]:
                    self.assertEqual(change["field"], "messages")
                    self.assertEqual(change["value"]["messaging_product"], "whatsapp")

    def test_slashes_are_escaped_as_meta_does(self):
        mock, receiver = self.start_mock("--status", "failed=1,code=131049")
        send(mock, "+919800000001")
        self.finish(mock)
        statuses = [s for _, _, s in receiver.statuses()]
        self.assertEqual([s["status"] for s in statuses], ["sent", "failed"])
        error = statuses[1]["errors"][0]
        self.assertEqual(error["code"], 131049)
        self.assertTrue(error["title"] and error["error_data"]["details"])
        self.assertTrue(any(rb"https:\/\/" in raw for raw in receiver.raw))

    def test_shares(self):
        mock, receiver = self.start_mock("--status", "delivered=0.8", "--status", "read=0.5")
        self.send_all(mock, 400)
        counts = self.finish(mock)
        told = self.by_recipient(receiver)
        self.assertEqual(len(told), 400)
        many = collections.Counter(len(statuses) for statuses in told.values())
        self.assertTrue(all(many[n] > 40 for n in (1, 2, 3)), many)
        self.assertEqual(counts["statuses"], counts["statuses_acknowledged"])
        self.assertEqual(counts["sent"], counts["acknowledged"])

    def test_same_seed_same_courses(self):
        told = []
        for _ in range(2):
            mock, receiver = self.start_mock("--seed", "7", "--status", "lost=0.3,delivered=0.5")
            self.send_all(mock, 50)
            self.finish(mock)
            told.append({to: sorted(s) for to, s in self.by_recipient(receiver).items()})
        self.assertEqual(*told)

    def test_bodies_of_many(self):
        mock, receiver = self.start_mock("--webhook-delay", "0", "--status",
                                         "gather_ms=60000,batch=1000,spread=0.2,read=1,delivered=1")
        self.send_all(mock, 1000)
        self.finish(mock)
        self.assertEqual([self.statuses_in(b) for b in receiver.bodies], [1000, 1000, 1000])
        self.assertGreater(len(receiver.bodies[0]["entry"]), 1)
        self.assertTrue(any(len(e["changes"]) > 1 for e in receiver.bodies[0]["entry"]))
        self.assertLessEqual(max(len(raw) for raw in receiver.raw), 3 * 1024 * 1024)

    def statuses_in(self, body):
        return sum(len(c["value"]["statuses"]) for e in body["entry"] for c in e["changes"])

    def test_lost_answers_are_reported_too(self):
        mock, receiver = self.start_mock(faults=["close@n1", "hang_accepted@n2", "html502,accepted@n3",
                                                 "cut@n4", "close_unread@n5", "code=131026@n6"])
        for i in range(6):
            conn = http.client.HTTPConnection("127.0.0.1", mock.port, timeout=0.3)
            try:
                send(mock, number(i), conn=conn)
            except (OSError, http.client.HTTPException, ValueError):
                pass
            conn.close()
        self.finish(mock)
        self.assertEqual(set(self.by_recipient(receiver)), {number(i)[1:] for i in range(4)})

    def test_refused_ones_come_again(self):
        answers = {1: 500, 2: None, 3: 401, 4: 202}
        receiver = self.receiver(lambda n: answers.get(n, 200))
        mock, _ = self.start_mock("--status", "retry_ms=5,batch=1", receiver=receiver)
        self.send_all(mock, 3)
        counts = self.finish(mock)
        self.assertEqual((counts["retried"], counts["failed"]), (4, 0))
        self.assertEqual(len(receiver.statuses()), counts["statuses"])

    def test_given_up_at_last(self):
        receiver = self.receiver(lambda n: 503)
        mock, _ = self.start_mock("--status", "retry_ms=1,retries=3,delivered=0",
                                  receiver=receiver)
        send(mock, number(0))
        counts = self.finish(mock)
        self.assertEqual((counts["sent"], counts["retried"], counts["failed"]), (1, 3, 1))
        self.assertEqual(len(receiver.bodies), 4)

    def test_a_receiver_that_is_not_there_yet(self):
        port = free_port()
        class Nobody:
            url = f"http://127.0.0.1:{port}/webhook"
        mock, _ = self.start_mock("--status", "retry_ms=20,retries=1000", receiver=Nobody)
        send(mock, number(0))
        wait_until(lambda: mock.stats()["webhooks"]["retried"] > 2, "some tries")
        self.assertEqual(mock.stats()["webhooks"]["acknowledged"], 0)
        mock.reset()
        self.assertEqual(mock.stats()["webhooks"]["retried"], 0)

    def test_forged(self):
        mock, receiver = self.start_mock("--status", "forged=1,batch=1")
        self.send_all(mock, 10)
        counts = self.finish(mock)
        self.assertEqual(counts["deceived"], 0)
        self.assertEqual(receiver.refused, counts["forged"])
        self.assertEqual(counts["forged"], counts["sent"])

    def test_duplicated_and_lost(self):
        mock, receiver = self.start_mock("--status", "duplicated=1,delivered=0")
        self.send_all(mock, 10)
        self.finish(mock)
        self.assertEqual(set(map(tuple, self.by_recipient(receiver).values())),
                         {("sent", "sent")})
        mock, receiver = self.start_mock("--status", "lost=1,delivered=0")
        self.send_all(mock, 10)
        self.assertEqual(self.finish(mock)["lost"], 10)
        self.assertEqual(receiver.statuses(), [])

    def test_reordered(self):
        mock, receiver = self.start_mock("--webhook-delay", "5-20", "--status",
                                         "reordered=1,delivered=1,read=1,connections=1")
        self.send_all(mock, 10)
        self.finish(mock)
        self.assertEqual(set(map(tuple, self.by_recipient(receiver).values())),
                         {("read", "delivered", "sent")})

    def test_before_the_answer(self):
        receiver = self.receiver()
        mock, _ = self.start_mock("--latency", "100000", "--status", "early=1,delivered=0",
                                  receiver=receiver)
        conn = http.client.HTTPConnection("127.0.0.1", mock.port, timeout=0.2)
        self.assertRaises(OSError, send, mock, number(0), conn=conn)
        wait_until(receiver.statuses, "a webhook before the answer")
        conn.close()

    def test_callback_data_cut_or_missing(self):
        mock, receiver = self.start_mock("--status", "no_opaque=1,delivered=0")
        send(mock, number(0))
        self.finish(mock)
        self.assertNotIn("biz_opaque_callback_data", receiver.statuses()[0][2])
        mock, receiver = self.start_mock("--status", "cut_opaque=1,delivered=0")
        send(mock, number(0))
        self.finish(mock)
        self.assertEqual(receiver.statuses()[0][2]["biz_opaque_callback_data"], OPAQUE[:18])

    def test_late(self):
        mock, receiver = self.start_mock("--status", "late=1,late_ms=100000,delivered=0")
        send(mock, number(0))
        self.assertEqual(mock.stats()["webhooks"]["waiting"], 1)
        self.assertEqual(receiver.bodies, [])

    def test_ends_in_the_middle(self):
        receiver = self.receiver(lambda n: 503)
        mock, _ = self.start_mock("--status", "batch=1", "--webhook-delay", "0-2000",
                                  receiver=receiver)
        self.send_all(mock, 20)
        wait_until(lambda: receiver.bodies, "a webhook")
        mock.process.terminate()
        self.assertEqual(mock.process.wait(10), 0)


class Flags(EndToEnd):
    def usage(self, *flags):
        return subprocess.run([GRAPHMOCK, *map(str, flags)], capture_output=True, text=True,
                              timeout=10)

    def test_wrong_ones(self):
        with tempfile.TemporaryDirectory() as folder:
            secret = Path(folder, "secret")
            secret.write_text("x")
            for flags, code in ((("--webhook", "http://127.0.0.1:1/"), 64),
                                (("--webhook", "https://127.0.0.1:1/", "--app-secret", secret), 64),
                                (("--webhook", "http://192.0.2.1:1/", "--app-secret", secret), 64),
                                (("--webhook", "http://127.0.0.1:1/", "--app-secret", "/none"), 66),
                                (("--webhook", "http://127.0.0.1:1/", "--app-secret", secret,
                                  "--status", "read=2"), 64),
                                (("--webhook", "http://127.0.0.1:1/", "--app-secret", secret,
                                  "--status", "nosuch=1"), 64),
                                (("--scenario", "/none"), 66)):
                done = self.usage(*flags)
                self.assertEqual((done.returncode, done.stderr.count("\n")), (code, 1), done)

    def test_scenario(self):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "bad-day")
            path.write_text("# a bad day\n\nfault code=131026@n1\n  fault = close@n2\nplain\n"
                            "rate 1000\n")
            mock = self.mock("--scenario", path, "--rate", "1", tls=False)
            specs = [fault["spec"] for fault in mock.stats()["faults"]]
            self.assertEqual(specs, ["code=131026@n1", "close@n2"])
            send(mock, number(0))
            path.write_text("latency\n")
            self.assertEqual(self.usage("--scenario", path).returncode, 64)
            path.write_text("nosuch 1\n")
            self.assertIn(str(path), self.usage("--scenario", path).stderr)


if __name__ == "__main__":
    unittest.main()
