# SPDX-License-Identifier: MIT
"""Meta's status webhooks, from the port to the ledger, the stream and the reports."""
import json
import resource
import unittest
from pathlib import Path

from harness import PHONE_ID, WABA_ID, count_states, number, wait_until
from meta import SECRET, Meta, WithWebhooks, body_of, status

PARAMS = ("Asha", "Physics", "https://exam.example/r/1")
ODD_ONES = [f"close@to{number(i)}@try1" for i in (1, 3, 5, 7, 9)]
LOST = ("close@every5", "cut@every7", "noid@every11")


def told(mock):
    """The mock's counts, once nothing is on its way any more; None before."""
    w = mock.stats()["webhooks"]
    return w if not w["waiting"] and not w["queued"] else None


class FromTheMock(WithWebhooks):
    def broadcast(self, box, count, *flags, code=None):
        """Where webhooks are quick, nothing may be unknown at its end."""
        file = box.results("results.csv", count)
        result = box.run("broadcast", file, "--yes", "--name", "r", *flags)
        self.assertIn(result.code, (0, 4) if code is None else (code,), result)
        return result

    def settle_all(self, *flags, settings=None, secrets=(SECRET,), count=300):
        mock = self.telling_mock(*flags, faults=LOST)
        box = self.receiving_box(mock, settings, secrets)
        daemon = self.start_daemon(box)
        self.broadcast(box, count)
        wait_until(lambda: told(mock), "the webhooks")
        self.assertEqual(count_states(box.log()), {"accepted": count})
        self.assert_never_twice(mock)
        self.assertEqual(mock.stats()["webhooks"]["deceived"], 0)
        return mock, box, daemon

    def test_every_unknown_one_is_settled(self):
        mock, box, daemon = self.settle_all()
        self.assertEqual(mock.stats()["webhooks"]["retried"], 0)
        self.assertIn("Unknown message settled by a webhook", daemon.err())
        rows = box.log()
        self.assertEqual({row["status"] for row in rows} - {"sent", "delivered", "read"}, set())
        settled = [row for row in rows if row["reason"] == "webhook"]
        self.assertTrue(settled)
        self.assertTrue(all(row["wamid"].startswith("wamid.") for row in settled))
        self.stop_daemon(daemon)

    def test_whatever_goes_wrong_on_the_way(self):
        mock, _, daemon = self.settle_all(
            "--status", "duplicated=0.3,reordered=0.3,early=0.3,late=0.2,late_ms=300,forged=0.3,"
            "spread=0.5,batch=7")
        self.assertGreater(mock.stats()["webhooks"]["forged"], 0)
        self.assertIn("bad or missing signature was refused", daemon.err())
        self.stop_daemon(daemon)

    def test_two_secrets_while_one_takes_over(self):
        self.settle_all(secrets=("the_old_one", SECRET), count=40)

    def test_silence_settles_nothing(self):
        for share in ("no_opaque=1", "cut_opaque=1", "lost=1"):
            with self.subTest(share):
                self.setUp()
                mock = self.telling_mock("--status", share, faults=("close@every5",))
                box = self.receiving_box(mock)
                daemon = self.start_daemon(box)
                self.broadcast(box, 50)
                wait_until(lambda: told(mock), "the webhooks")
                self.assertEqual(count_states(box.log()), {"accepted": 40, "unknown": 10})
                self.assertEqual({row["status"] for row in box.log()}, {""})
                self.stop_daemon(daemon)

    def test_undelivered_ones_in_the_report(self):
        mock = self.telling_mock("--status", "failed=1,code=131049", faults=("close@every5",))
        box = self.receiving_box(mock)
        result = self.broadcast(box, 50, "--webhook", "--report", "report.json", code=0)
        self.assertIn("0 unknown", result.out.splitlines()[-1])
        wait_until(lambda: self.count(box, "accepted") == 50, "all")
        again = self.broadcast(box, 50, code=0)  # complete: the account again
        report = json.loads((box.folder / "report.json").read_text())
        self.assertEqual(report["states"]["unknown"], 0)
        self.assertEqual(report["states"]["accepted"], 50)
        self.assertRegex(again.out, r"\d+ accepted, but undelivered: code 131049")
        self.assertIn("`tidings retry` leaves them", again.out)
        self.assertEqual(box.run("retry", "--yes").code, 0)
        self.assertEqual(mock.stats()["accepted"], 50)
        self.assertEqual(report["next"], ["tidings log --broadcast r --status undelivered"])
        self.assertEqual(box.log("--code", "131049"), box.log("--status", "undelivered"))
        row = next(r for r in box.log("--status", "undelivered"))
        self.assertEqual((row["state"], row["code"]), ("accepted", 131049))
        one = box.run("log", "--id", row["id"]).out
        self.assertRegex(one, r"undelivered +\S+  code=131049 .*\n +→ ")

    def test_a_single_run_stays_until_nothing_is_unknown(self):
        mock = self.telling_mock("--status", "late=1,late_ms=700", faults=LOST)
        box = self.receiving_box(mock)
        result = self.broadcast(box, 100, "--webhook=100", code=0)
        self.assertIn("Waiting for webhooks", result.err)
        self.assertEqual(count_states(box.log()), {"accepted": 100})
        self.assertEqual(result.out.splitlines()[-1].strip(), "0 unknown")

    def test_what_was_not_sent_again_is_in_the_account(self):
        """It waits to be sent again, and its webhook comes first."""
        mock = self.telling_mock(faults=("close@try1",))
        box = self.receiving_box(mock, {"retry.ambiguous": "resend", "retry.base_ms": "4000"})
        result = self.broadcast(box, 60, "--webhook", "--report", "report.json", code=0)
        self.assertIn("progress r: 60 of 60 ", result.err)
        report = json.loads((box.folder / "report.json").read_text())
        self.assertEqual(report["states"]["accepted"], 60)
        self.assertEqual(count_states(box.log()), {"accepted": 60})
        self.assertLess(mock.stats()["accepted_again"], 60)
        self.assertGreaterEqual(report["possible_duplicates"], mock.stats()["accepted_again"])

    def test_a_single_run_ends_when_the_time_is_over(self):
        mock = self.telling_mock("--status", "lost=1", faults=("close@every5",))
        box = self.receiving_box(mock)
        result = self.broadcast(box, 50, "--webhook=1", code=4)
        self.assertRegex(result.out, r"\n  10 unknown: ")
        self.assertIn("tidings reconcile --broadcast r", result.out)

    def test_the_time_is_in_seconds(self):
        """More than a second passes before the webhooks come."""
        mock = self.telling_mock("--status", "late=1,late_ms=1500", faults=("close@every5",))
        box = self.receiving_box(mock)
        self.broadcast(box, 50, "--webhook=10", code=0)
        help_text = " ".join(box.run("broadcast", "--help").out.split())
        self.assertRegex(help_text, r"--webhook\b.*\b60\b")

    def test_ctrl_c_ends_the_waiting(self):
        mock = self.telling_mock("--status", "lost=1", faults=("close@every5",))
        box = self.receiving_box(mock)
        file = box.results("results.csv", 60)
        running = self.start(box, "broadcast", file, "--yes", "--webhook=600")
        running.wait_for("Waiting for webhooks")
        running.signal(2)
        result = running.finish()
        self.assert_code(result, 4)
        self.assertRegex(result.out, r"\n  12 unknown: ")
        self.assertIn("and 2 more", result.out)

    def test_webhook_without_a_port(self):
        """Nor without its secrets: said in place of the plan, and there is no account."""
        box = self.box(self.mock())
        file = box.results("r.csv", 1)
        for settings, said in (({}, "webhook.listen is off"),
                               ({"webhook.listen": "127.0.0.1:0",
                                 "webhook.app_secret_file": box.folder / "none"}, "none")):
            box.set(settings)
            result = box.run("broadcast", file, "--yes", "--webhook")
            self.assert_code(result, 66 if settings else 78)
            self.assertIn(said, result.err)
            self.assertNotIn("Broadcast r.csv", result.err)
            self.assertEqual(result.out, "")
        self.assertEqual(box.log(), [])

    def test_webhook_on_a_port_that_is_taken(self):
        mock = self.mock()
        box = self.receiving_box(mock)
        box.set({"webhook.listen": f"127.0.0.1:{mock.port}"})
        result = box.run("broadcast", box.results("r.csv", 1), "--yes", "--webhook")
        self.assertIn("cannot listen", result.err)
        self.assertEqual(result.out, "")
        self.assertEqual(mock.stats()["requests"], 0)

    def test_a_complete_broadcast_stays_for_what_is_unknown(self):
        mock = self.telling_mock("--status", "late=1,late_ms=700", faults=LOST)
        box = self.receiving_box(mock)
        self.broadcast(box, 100, code=4)
        again = self.broadcast(box, 100, "--webhook=100", "--rate=60", code=0)
        self.assertIn("nothing to send", again.err)
        self.assertIn("rate 0/s of 60,", again.err)  # no sender has sent anything yet
        self.assertEqual(count_states(box.log()), {"accepted": 100})
        self.assertEqual(mock.stats()["accepted_again"], 0)


class ByHand(WithWebhooks):
    """One message, and bodies as the test wants them."""

    def scene(self, count=1, faults=("close",), settings=None):
        self.graph = self.mock(faults=faults)
        self.installation = self.receiving_box(self.graph, settings)
        self.daemon = self.start_daemon(self.installation)
        for i in range(count):
            self.installation.run("send", number(i), *PARAMS, "--id", f"m{i}")
        return self.installation

    def opaque(self, i=0):
        return self.graph.messages()[number(i)]["opaque"]

    def row(self, i=0):
        return self.installation.log("--id", f"m{i}")[0]

    def test_handshake(self):
        self.scene(count=0)
        self.assertEqual(self.meta.shake_hands(), (200, "1158201444"))
        self.assertEqual(self.meta.shake_hands(token="another")[0], 403)
        self.assertEqual(self.meta.shake_hands(mode="unsubscribe")[0], 403)
        self.assertEqual(self.meta.call("GET", "/webhook")[0], 403)
        self.assertEqual(self.meta.call("GET", "/")[0], 404)
        self.assertEqual(self.meta.call("DELETE", "/webhook")[0], 405)
        self.daemon.wait_for('handshake was refused why="the verify token is another"')

    def test_handshake_without_a_verify_token(self):
        box = self.receiving_box(self.mock())
        del box.settings["webhook.verify_token_file"]
        box.write_config()
        daemon = self.start_daemon(box)
        self.assertEqual(self.meta.shake_hands()[0], 403)
        daemon.wait_for('refused why="webhook.verify_token_file is not set"')

    def test_signatures(self):
        self.scene()
        body = body_of([status("sent", "wamid.W", self.opaque())])
        forged = Meta(self.port, "another secret")
        for code in (self.meta.post(body, ""), self.meta.post(body, "sha256=" + "0" * 64),
                     self.meta.post(body, "sha1=00"), forged.post(body),
                     self.meta.call("POST", "/webhook", body)[0]):
            self.assertEqual(code, 401)
        self.assertEqual(self.row()["state"], "unknown")
        self.assertEqual(self.meta.post(body), 200)
        self.assertEqual(self.row()["state"], "accepted")

    def test_a_reload_that_is_refused_leaves_the_secrets(self):
        box = self.scene()
        ca = box.folder / "ca.pem"
        ca.write_bytes(Path(self.graph.ca).read_bytes())
        box.set({"whatsapp.ca_file": ca})
        self.stop_daemon(self.daemon)
        daemon = self.start_daemon(box)
        ca.write_text("none\n")
        (box.folder / "secret").write_text("new one\n")
        daemon.signal(1)
        daemon.wait_for("The new configuration is refused: nothing changed")
        body = body_of([status("sent", "wamid.W", self.opaque())])
        self.assertEqual(Meta(self.port, "new one").post(body), 401)
        self.assertEqual(self.meta.post(body), 200)

    def test_strangers_do_not_fill_the_log(self):
        """A line a second, with how many there were."""
        box = self.scene(count=0)
        for _ in range(60):
            self.assertEqual(self.meta.post(b"{}", ""), 401)
            self.assertEqual(self.meta.shake_hands(token="another")[0], 403)
        self.assertEqual(box.ask({"op": "status"})["webhooks"]["rejected"], 60)
        self.daemon.wait_for("handshake was refused")
        for text in ("signature was refused", "handshake was refused"):
            self.assertLess(self.daemon.err().count(text), 60)

    def test_a_restart_with_the_new_secret_alone(self):
        box = self.scene()
        (box.folder / "secret").write_text("old one\nnew one\n")
        self.daemon.signal(1)
        self.daemon.wait_for("Configuration read again")
        body = body_of([status("sent", "wamid.W", self.opaque())])
        self.assertEqual(Meta(self.port).post(body), 401)
        self.assertEqual(Meta(self.port, "old one").post(body), 200)
        self.assertEqual(Meta(self.port, "new one").post(body), 200)

    def test_a_thousand_statuses_and_three_megabytes(self):
        box = self.scene()
        strays = [status("sent", f"wamid.S{i}", "t1nonsense") for i in range(1000)]
        self.assertEqual(self.meta.tell(*strays), 200)
        padding = "x" * (3 * 1024 * 1024 - 2000)
        big = body_of([status("read", "wamid.W", self.opaque())], padding=padding)
        self.assertEqual(self.meta.post(big), 200)
        self.assertEqual(self.row()["status"], "read")
        self.assertEqual(self.meta.post(body_of([], padding="x" * (3 * 1024 * 1024))), 413)
        self.assertEqual(self.meta.post(b"{no json"), 400)
        self.daemon.wait_for(f"Webhooks of an account come in waba_id={WABA_ID} sender={PHONE_ID}")
        self.assertEqual(self.daemon.err().count("Webhooks of an account"), 1)
        self.assertEqual(self.meta.post(b'{"object":"whatsapp_business_account","entry":[{"id":'
                                        b'"1","changes":[{"field":"account_alerts","value":{}}]}]}'),
                         200)
        self.assert_code(box.run("status"), 0)

    def test_what_says_nothing_to_us_is_not_sent_again(self):
        """Meta would send it for days: words that it has made up since, empty lists."""
        self.scene()
        nameless = status("sent", "", self.opaque())
        for statuses in ([status("deleted", "wamid.W", self.opaque())], [nameless], []):
            self.assertEqual(self.meta.post(body_of(statuses)), 200)
        for body in (b"{}", b'{"entry":[]}', b'{"entry":[{"id":"1","changes":[]}]}'):
            self.assertEqual(self.meta.post(body), 200)
        self.daemon.wait_for("Statuses of a webhook were passed over")
        self.assertEqual(self.meta.post(b"[]"), 400)
        self.daemon.wait_for("A webhook was refused why=")
        self.assertEqual(self.row()["state"], "unknown")
        self.assertEqual(self.meta.tell(status("deleted", "wamid.W", self.opaque()),
                                        status("sent", "wamid.W", self.opaque())), 200)
        self.assertEqual(self.row()["state"], "accepted")
        self.daemon.wait_for("Unknown message settled by a webhook id=m0 wamid=wamid.W")

    def test_what_was_answered_with_200_is_on_record(self):
        """kill -9 right behind the answers; what had none, Meta sends again."""
        box = self.scene(count=12)
        bodies = [body_of([status("sent", f"wamid.W{i}", self.opaque(i))]) for i in range(12)]
        for body in bodies[:6]:
            self.assertEqual(self.meta.post(body), 200)
        self.daemon.end()  # kill -9
        self.daemon = self.start_daemon(box)
        self.assertEqual([self.row(i)["state"] for i in range(12)],
                         6 * ["accepted"] + 6 * ["unknown"])
        for body in bodies:  # also those that it had
            self.assertEqual(self.meta.post(body), 200)
        self.assertEqual(count_states(box.log()), {"accepted": 12})
        self.stop_daemon(self.daemon)

    def test_what_cannot_be_recorded_has_no_200(self):
        box = self.scene()
        body = body_of([status("sent", "wamid.W", self.opaque())])
        resource.prlimit(self.daemon.pid, resource.RLIMIT_FSIZE, (4096, 4096))
        self.assertEqual(self.meta.post(body), 503)
        self.assert_code(self.daemon.finish(), 74)
        self.daemon = self.start_daemon(box)
        self.assertEqual(self.row()["state"], "unknown")
        self.assertEqual(self.meta.post(body), 200)
        self.assertEqual(self.row()["state"], "accepted")

    def test_statuses_reach_the_stream(self):
        """Whole: a consumer finds its message by `id` or `ref`, and of several the highest `at` holds."""
        box = self.scene(count=0)
        wire = self.wire_of(box)
        wire("XADD", "tidings:send", "*", "to", number(0), "params", json.dumps(PARAMS), "id", "m0",
             "ref", "result 7/42")
        wait_until(lambda: self.graph.stats()["accepted"] == 1 and self.row()["state"] == "unknown",
                   "an unknown message")
        opaque = self.opaque()
        self.meta.tell(status("sent", "wamid.W", opaque))
        self.meta.tell(status("failed", "wamid.W", opaque, code=131049, at_s=1790000007),
                       status("read", "wamid.X", "t1nonsense", at_s=1790000003))
        ours = {"id": "m0", "ref": "result 7/42", "wamid": "wamid.W"}
        self.assertEqual(self.entries(wire, "tidings:status", 3), [
            dict(ours, status="sent", code="0", at="1790000000000"),
            dict(ours, status="undelivered", code="131049", at="1790000007000"),
            {"id": "", "ref": "", "wamid": "wamid.X", "status": "read", "code": "0",
             "at": "1790000003000"}])
        result = self.entries(wire, "tidings:result", 2)[-1]
        self.assertEqual([result[name] for name in ("id", "ref", "state", "reason", "wamid")],
                         ["m0", "result 7/42", "accepted", "webhook", "wamid.W"])

    def test_accepted_twice(self):
        box = self.scene(faults=())
        self.assertEqual(self.meta.tell(status("delivered", "wamid.TWIN", self.opaque())), 200)
        self.assertEqual(self.meta.tell(status("read", "wamid.TWIN", self.opaque())), 200)
        self.assertIn("accepted twice: wamid wamid.TWIN", box.run("log", "--id", "m0").out)
        self.assertEqual(
            self.daemon.err().count("Graph accepted a message twice id=m0 wamid=wamid.TWIN"), 1)
        self.assertEqual(box.ask({"op": "status"})["webhooks"]["accepted_twice"], 1)


class AnotherLedger(WithWebhooks):
    """Two installations whose messages have the same ids. The webhooks of the one come to both."""

    def setUp(self):
        super().setUp()
        self.graph = self.mock(faults=[f"code=131026@to{number(10)}", f"close@to{number(11)}"])
        self.theirs = self.box(self.graph)
        for i in range(3):
            self.assert_code(self.send(self.theirs, i, i), 0)
        self.ours = self.receiving_box(self.graph)
        self.daemon = self.start_daemon(self.ours)

    def send(self, box, i, to):
        return box.run("send", number(to), *PARAMS, "--id", f"m{i}")

    def told(self, i):
        """What we have of it after all that can be said of theirs."""
        message = self.graph.messages()[number(i)]
        said = [status(kind, message["wamid"], message["opaque"]) for kind in ("sent", "read")]
        said.append(status("failed", message["wamid"], message["opaque"], code=131049))
        self.assertEqual(self.meta.tell(*said), 200)
        row = self.ours.log("--id", f"m{i}")[0]
        return row["state"], row["status"], row["wamid"]

    def test_only_what_is_unknown_is_touched(self):
        self.assert_code(self.send(self.ours, 0, 10), 3)
        self.assertEqual(self.told(0), ("failed", "", ""))
        self.assert_code(self.send(self.ours, 1, 11), 4)
        self.assertEqual(self.told(1)[:2], ("accepted", "sent"))  # what came behind is theirs again
        self.assert_code(self.send(self.ours, 2, 20), 0)
        wamid = self.graph.messages()[number(20)]["wamid"]
        self.assertEqual(self.told(2), ("accepted", "", wamid))
        self.assertEqual(self.ours.ask({"op": "status"})["webhooks"]["accepted_twice"], 0)
        self.assertEqual(self.graph.stats()["accepted"], 5)


class Reconcile(WithWebhooks):
    def unknown(self, box, count=10):
        file = box.results("results.csv", count)
        self.assert_code(box.run("broadcast", file, "--yes", "--name", "r"), 4)

    def rows(self, box, *flags):
        result = box.run("reconcile", "--json", *flags)
        self.assert_code(result, 0)
        return [json.loads(line) for line in result.out.splitlines()]

    def check_listing(self, box):
        self.assertEqual(len(self.rows(box)), 5)
        row = self.rows(box, "--to", number(1))[0]
        self.assertEqual((row["to"], row["state"], row["reason"], row["attempts"]),
                         (number(1), "unknown", "no_answer", 1))
        self.assertIn("the request left, and no answer came", row["evidence"])
        table = box.run("reconcile").out
        self.assertNotIn(number(1), table)
        self.assertIn("5 unknown, the oldest ", table)
        self.assertEqual(box.run("reconcile", "--count").out, "5\n")
        self.assertEqual(box.run("reconcile", "--count", "--broadcast", "other").out, "0\n")

    def check_settling(self, box):
        self.assert_code(box.run("reconcile", "--sent"), 64)  # nobody to ask
        self.assert_code(box.run("reconcile", "--sent", "--give-up", "--yes"), 64)
        sent = box.run("reconcile", "--sent", "--to", number(1), "--yes")
        self.assert_code(sent, 0)
        self.assertIn("Settled: 1 are accepted", sent.out)
        given_up = box.run("reconcile", "--give-up", "--to", number(3), "--yes", "--json")
        self.assert_code(given_up, 0)
        self.assertEqual(json.loads(given_up.out), {"v": 1, "settled": 1, "others": 0})
        states = box.states()
        self.assertEqual((states[number(1)]["state"], states[number(1)]["reason"]),
                         ("accepted", "by_hand"))
        self.assertEqual((states[number(3)]["state"], states[number(3)]["reason"]),
                         ("failed", "given_up"))
        self.assertEqual(box.run("reconcile", "--count").out, "3\n")

    def check_resending(self, box, mock, *command):
        plan = box.run(*command)
        self.assert_code(plan, 64)
        self.assertIn("3 unknown messages are sent again", plan.err)
        self.assertIn("possible duplicate", plan.err)
        again = box.run(*command, "--yes")
        self.assert_code(again, 0)
        self.assertIn("3 possible duplicates", again.out)
        self.assertEqual(again.out.splitlines()[-1].strip(), "0 unknown")
        self.assertEqual(mock.stats()["accepted_again"], 3)
        self.assertIn("0 unknown", box.run("reconcile").out)
        histories = [box.run("log", "--id", row["id"]).out for row in box.log()]
        self.assertEqual(sum("decision" in text and "sent again" in text for text in histories), 3)

    def test_alone(self):
        mock = self.mock(faults=ODD_ONES)
        box = self.box(mock)
        self.unknown(box)
        self.check_listing(box)
        self.check_settling(box)
        self.check_resending(box, mock, "reconcile", "--resend")

    def test_of_one_broadcast(self):
        mock = self.mock(faults=ODD_ONES)
        box = self.box(mock)
        self.unknown(box)
        self.check_settling(box)
        self.check_resending(box, mock, "reconcile", "--resend", "--broadcast", "r")

    def test_beside_a_daemon(self):
        mock = self.mock(faults=ODD_ONES)
        box = self.daemon_box(mock)
        daemon = self.start_daemon(box)
        self.unknown(box)
        self.check_listing(box)
        self.check_settling(box)
        self.check_resending(box, mock, "retry", "--unknown")
        self.stop_daemon(daemon)

    def test_after_a_crash(self):
        """What is `sending` on record is on its way while somebody sends; then it is unknown."""
        mock = self.mock(faults=("hang_accepted",))
        box = self.box(mock)
        running = self.start(box, "broadcast", box.results("r.csv", 5), "--yes", "--name", "r")
        wait_until(lambda: mock.stats()["received"] == 5, "five requests")
        self.assertEqual(box.run("reconcile").out, "0 unknown\n")
        running.end()  # kill -9
        self.assertEqual({row["state"] for row in box.log()}, {"sending"})
        self.assertEqual([row["reason"] for row in self.rows(box)], 5 * ["interrupted"])
        self.assertIn("5 unknown, the oldest ", box.run("reconcile").out)
        sent = box.run("reconcile", "--sent", "--yes", "--to", number(1))
        self.assertEqual(sent.out, "Settled: 1 are accepted\n")
        self.assertEqual(count_states(box.log()), {"accepted": 1, "unknown": 4})
        self.assertEqual(box.run("reconcile", "--count").out, "4\n")

    def check_cancelled(self, box):
        """What is cancelled is not sent again, and not called settled."""
        self.assert_code(box.run("cancel", "r"), 0)
        result = box.run("reconcile", "--resend", "--yes")
        self.assert_code(result, 4)
        self.assertIn("5 of them are left as they are: their broadcast is cancelled", result.err)
        self.assertRegex(result.out, r"\n  5 unknown: Graph may have sent them, or not\n")
        self.assert_code(box.run("reconcile", "--give-up", "--yes", "--to", number(1)), 0)
        self.assert_code(box.run("retry", "--yes"), 3)
        self.assertEqual(count_states(box.log()), {"accepted": 5, "unknown": 4, "failed": 1})

    def test_of_a_cancelled_broadcast(self):
        box = self.box(self.mock(faults=ODD_ONES))
        self.unknown(box)
        self.check_cancelled(box)

    def test_of_a_cancelled_broadcast_beside_a_daemon(self):
        box = self.daemon_box(self.mock(faults=ODD_ONES))
        self.unknown(box)
        daemon = self.start_daemon(box)
        self.check_cancelled(box)
        self.stop_daemon(daemon)

    def test_nothing_to_settle(self):
        box = self.box(self.mock())
        self.assert_code(box.run("reconcile"), 66)
        self.assert_code(box.run("broadcast", box.results("r.csv", 3), "--yes"), 0)
        result = box.run("reconcile")
        self.assert_code(result, 0)
        self.assertEqual(result.out, "0 unknown\n")
        self.assert_code(box.run("reconcile", "--sent", "--yes"), 0)
        none = json.loads(box.run("reconcile", "--sent", "--yes", "--json").out)
        self.assertEqual(none, {"v": 1, "settled": 0, "others": 0})
        self.assert_code(box.run("reconcile", "extra"), 64)


if __name__ == "__main__":
    unittest.main()
