# SPDX-License-Identifier: MIT
"""What is said on the command line and in a row reaches Graph as it was said: template, language,
parameters, the number that sends. What a period of time lets through."""
import json
import unittest

from harness import FAKETIME, PHONE_ID, SANITIZED, EndToEnd, at_another_time, number

ANOTHER = "222000000000222"


class WhatGraphGets(EndToEnd):
    def setUp(self):
        self.graph = self.mock("--template", "promo:hi:1", "--template", "greeting:hi:0")
        self.installation = self.box(self.graph)

    def broadcast(self, file, *flags):
        return self.installation.run("broadcast", file, "--yes", *flags)

    def got(self, *names):
        """Of each message that Graph has, by recipient."""
        return {to: tuple(m[name] for name in names) for to, m in self.graph.messages().items()}

    def on_record(self, name):
        return {row["to"]: row[name] for row in self.installation.log()}

    def test_a_broadcast_of_another_template(self):
        flags = ("--template", "promo", "--lang", "hi", "--param", "educator_name")
        self.assert_code(self.broadcast(self.installation.results("r.csv", 3), *flags), 0)
        self.assertEqual(self.got("template", "lang", "params"), {
            number(i): ("promo", "hi", [f"Educator {i}"]) for i in range(3)})

    def test_another_template_has_not_the_usual_parameters(self):
        flags = ("--template", "greeting", "--lang", "hi")
        self.assert_code(self.broadcast(self.installation.results("r.csv", 2), *flags), 0)
        self.assertEqual(self.got("template", "params"), {number(i): ("greeting", []) for i in (0, 1)})

    def test_parameters_in_another_order(self):
        flags = ("--param", "dashboard_url,educator_name,test_name")
        self.assert_code(self.broadcast(self.installation.results("r.csv", 2), *flags), 0)
        self.assertEqual(self.got("params"), {
            number(i): ([f"https://exam.example/r/{i}", f"Educator {i}", "Physics"],) for i in (0, 1)})

    def test_a_broadcast_from_another_number(self):
        self.assert_code(self.broadcast(self.installation.results("r.csv", 3), "--sender", ANOTHER), 0)
        self.assertEqual(self.got("phone_id"), {number(i): (ANOTHER,) for i in range(3)})
        self.assertEqual(self.on_record("sender"), {number(i): ANOTHER for i in range(3)})

    def test_rows_of_two_numbers(self):
        rows = [{"to": number(i), "params": '["A","B","C"]', "sender": ANOTHER if i % 2 else ""}
                for i in range(6)]
        self.assert_code(self.broadcast(self.installation.write_csv("r.csv", rows)), 0)
        senders = {number(i): ANOTHER if i % 2 else PHONE_ID for i in range(6)}
        self.assertEqual(self.got("phone_id"), {to: (id,) for to, id in senders.items()})
        self.assertEqual(self.on_record("sender"), senders)

    def test_one_message(self):
        run = self.installation.run
        self.assert_code(run("send", number(1), "A", "B", "C", "--sender", ANOTHER), 0)
        self.assert_code(run("send", number(2), "X", "--template", "promo", "--lang", "hi"), 0)
        self.assertEqual(self.got("phone_id", "template", "lang", "params"), {
            number(1): (ANOTHER, "results_update", "en_US", ["A", "B", "C"]),
            number(2): (PHONE_ID, "promo", "hi", ["X"])})

    def test_other_flags_make_another_broadcast(self):
        """Derived ids would be other ones, and everybody would have a second copy."""
        file = self.installation.results("r.csv", 3)
        self.assert_code(self.broadcast(file), 0)
        for flags in (("--sender", ANOTHER), ("--set", f"whatsapp.phone_id={ANOTHER}"),
                      ("--template", "promo", "--param", "educator_name"), ("--lang", "hi"),
                      ("--param", "test_name,educator_name,dashboard_url")):
            with self.subTest(flags=flags):
                refused = self.broadcast(file, *flags)
                self.assert_code(refused, 65)
                self.assertIn("another template, language, sender or --param", refused.err)
        self.assertEqual(self.graph.stats()["received"], 3)

    def test_the_wamid_is_graphs(self):
        self.assert_code(self.broadcast(self.installation.results("r.csv", 5)), 0)
        self.assertEqual(self.on_record("wamid"),
                         {to: wamid for to, (wamid,) in self.got("wamid").items()})

    def test_what_graph_says_is_wrong(self):
        """The details say more than the title."""
        details = "One or more parameter values are invalid."
        self.installation.talk_to(self.mock(faults=("code=131009",)))
        result = self.installation.run("send", number(1), "A", "B", "C", "--id", "m", "--json")
        self.assert_code(result, 3)
        self.assertEqual(json.loads(result.out)["error"], details)
        self.assertEqual(self.installation.log("--id", "m")[0]["error"], details)
        text = self.installation.run("log", "--id", "m").out
        self.assertRegex(text, rf"(?m)^    attempt 1 .* http=400 code=131009 .*{details}$")
        self.assertIn(details, self.installation.run("log", "--id", "m", "--csv").out)


@unittest.skipIf(SANITIZED, "libfaketime's start and the sanitizer's allocator wait for each other")
@unittest.skipUnless(FAKETIME.exists(), "no libfaketime")
class Periods(EndToEnd):
    """Failed messages of 30 s, 10 min, 5 h and 2 days ago."""

    AGES = (("s", "-30s"), ("m", "-10m"), ("h", "-5h"), ("d", "-2d"))

    def setUp(self):
        self.graph = self.mock(tls=False, faults=("code=131026",))
        self.installation = self.box(self.graph)
        for i, (name, clock) in enumerate(self.AGES):
            self.assert_code(self.installation.run("send", number(i), "A", "B", "C", "--id", name,
                                                   env=at_another_time(clock)), 3)

    def ids(self, *flags):
        return {row["id"] for row in self.installation.log(*flags)}

    def test_since_and_until(self):
        for period, newer in (("90s", {"s"}), ("15m", {"s", "m"}), ("6h", {"s", "m", "h"}),
                              ("3d", {"s", "m", "h", "d"}), ("5m", {"s"}), ("4h", {"s", "m"}),
                              ("1d", {"s", "m", "h"})):
            with self.subTest(period):
                self.assertEqual(self.ids("--since", period), newer)
                self.assertEqual(self.ids("--until", period), {"s", "m", "h", "d"} - newer)

    def test_sent_again_since(self):
        self.installation.talk_to(self.mock(tls=False))
        self.assert_code(self.installation.run("retry", "--since", "15m", "--yes"), 0)
        self.assertEqual(self.ids("--state", "accepted"), {"s", "m"})
        self.assertEqual(self.ids("--state", "failed"), {"h", "d"})


if __name__ == "__main__":
    unittest.main()
