# SPDX-License-Identifier: MIT
"""`tidings broadcast` from end to end: the happy path, running it again, changed files, rejects."""
import json
import os
import shlex
import signal
import unittest

from harness import EndToEnd, number, skipped, wait_until


class HappyPath(EndToEnd):
    def test_every_row_once_over_http_1_1(self):
        mock = self.mock()
        box = self.box(mock)
        file = box.results("results.csv", 500)
        result = box.run("broadcast", file, "--expect-count", "500", "--report", "report.json")
        self.assert_code(result, 0)
        self.assert_each_once(mock, box, 500)
        report = json.loads((box.folder / "report.json").read_text())
        self.assertEqual(report["states"]["accepted"], 500)
        self.assertEqual(report["throttles"], 0)
        self.assertIn("✅ WhatsApp sent successfully", result.err)
        self.assertNotIn(number(1), result.err)

    def test_every_row_once_over_http_2(self):
        mock = self.mock()
        box = self.box(mock, {"http.version": "2"})
        result = box.run("broadcast", box.results("results.csv", 500), "--yes")
        self.assert_code(result, 0)
        self.assert_each_once(mock, box, 500)

    def test_what_had_expired_is_not_accepted(self):
        mock = self.mock()
        box = self.box(mock)
        file = box.results("results.csv", 5, expires_at="2026-01-01T00:00:00Z")
        result = box.run("broadcast", file, "--yes")
        self.assert_code(result, 3)
        self.assertIn("5 skipped: expired", result.out)
        self.assertEqual(skipped(result.err, "expired"), sorted(row["id"] for row in box.log()))
        self.assertEqual(mock.stats()["accepted"], 0)

    def test_a_number_of_parameters_that_the_template_does_not_take(self):
        mock = self.mock()
        box = self.box(mock)
        file = box.results("results.csv", 3)
        columns = "educator_name,test_name,dashboard_url,class_id"
        refused = box.run("broadcast", file, "--yes", "--param", columns)
        self.assert_code(refused, 64)
        self.assertIn("4 columns", refused.err)
        rows = [{"to": number(1), "params": '["A","B","C","D"]'},
                {"to": number(2), "params": '{"a":"b"}'}]
        refused = box.run("broadcast", box.write_csv("params.csv", rows), "--yes")
        self.assert_code(refused, 65)
        self.assertIn("params: 4 given; 3, as template.params has them", refused.err)
        self.assertEqual(mock.stats()["received"], 0)

    def test_a_complete_broadcast_sends_nothing_again(self):
        mock = self.mock()
        box = self.box(mock)
        file = box.results("results.csv", 50)
        self.assert_code(box.run("broadcast", file, "--yes"), 0)
        again = box.run("broadcast", file, "--yes")
        self.assert_code(again, 0)
        self.assertIn("complete", again.err)
        self.assertEqual(mock.stats()["accepted"], 50)

    def test_every_request_carries_an_opaque_id_of_its_own(self):
        mock = self.mock()
        box = self.box(mock)
        self.assert_code(box.run("broadcast", box.results("r.csv", 30), "--yes"), 0)
        opaque = {to: m["opaque"] for to, m in mock.messages().items()}
        self.assertEqual(len(set(opaque.values())), 30)
        for to, text in opaque.items():
            self.assertRegex(text, "^t1[0-9a-z]{34}$")
            self.assertNotIn(to[-6:], text)

    def test_the_token_is_nowhere(self):
        from harness import TOKEN
        mock = self.mock()
        box = self.box(mock, {"log.level": "debug"})
        result = box.run("broadcast", box.results("r.csv", 20), "--yes")
        self.assertNotIn(TOKEN, result.err + result.out)
        for path in box.folder.rglob("*"):
            if path.is_file():
                self.assertNotIn(TOKEN.encode(), path.read_bytes(), path)

    def test_jsonl_and_standard_input(self):
        mock = self.mock()
        box = self.box(mock)
        lines = "".join(json.dumps({"to": number(i), "params": ["Asha", "Physics", "https://x/1"],
                                    "ref": f"r{i}"}) + "\n" for i in range(40))
        result = box.run("broadcast", "-", "--name", "piped", "--yes", stdin=lines)
        self.assert_code(result, 0)
        self.assertEqual({r["ref"] for r in box.log()}, {f"r{i}" for i in range(40)})
        self.assertEqual(mock.stats()["accepted"], 40)


class Asking(EndToEnd):
    def test_without_a_terminal_it_wants_a_word(self):
        mock = self.mock()
        box = self.box(mock)
        file = box.results("results.csv", 5)
        self.assert_code(box.run("broadcast", file), 64)
        self.assert_code(box.run("broadcast", file, "--expect-count", "6"), 64)
        self.assertEqual(mock.stats()["accepted"], 0)

    def test_dry_run_sends_nothing_and_makes_no_ledger(self):
        mock = self.mock()
        box = self.box(mock)
        result = box.run("broadcast", box.results("results.csv", 5), "--dry-run")
        self.assert_code(result, 0)
        self.assertEqual(result.out, "")
        self.assertFalse(box.ledger.exists())
        self.assertEqual(mock.stats()["requests"], 0)

    def test_a_dry_run_for_machines(self):
        box = self.box(self.mock())
        rows = [{"to": to, "params": '["A","B","C"]', "colour": "red"}
                for to in (number(1), number(2), "none")]
        file = box.write_csv("r.csv", rows)
        result = box.run("broadcast", file, "--dry-run", "--json", "--rate", "60")
        self.assert_code(result, 3)
        self.assertEqual(len(result.out.splitlines()), 1)
        plan = json.loads(result.out)
        expected = {"v": 1, "name": "r.csv", "dry_run": True, "exit_code": 3, "rows": 3,
                    "valid": 2, "rejected": 1, "first_to": number(1), "rate": 60,
                    "ignored": ["colour"], "template": "results_update"}
        self.assertEqual({key: plan[key] for key in expected}, expected)
        plan = json.loads(box.run("broadcast", file, "--dry-run", "--json").out)
        self.assertIsNone(plan["rate"])

    def test_the_kill_switch_checks_and_holds(self):
        mock = self.mock()
        box = self.box(mock)
        file = box.results("results.csv", 5)
        off = box.run("broadcast", file, "--yes", env={"WHATSAPP_ENABLED": "false"})
        self.assert_code(off, 5)
        self.assertEqual(mock.stats()["accepted"], 0)
        self.assert_code(box.run("broadcast", file, "--yes"), 0)
        self.assert_each_once(mock, box, 5)

    def test_a_report_that_cannot_be_written_is_noticed_before(self):
        mock = self.mock(faults=["code=131026@n1"])
        box = self.box(mock)
        file = box.results("results.csv", 1)
        for path in ("none/report.json", "."):
            self.assert_code(box.run("broadcast", file, "--yes", "--report", path), 73)
        self.assertEqual(mock.stats()["requests"], 0)
        self.assert_code(box.run("broadcast", file, "--yes", "--report", "report.json"), 3)
        for command in ("retry", "reconcile"):
            flags = ("--resend",) if command == "reconcile" else ()
            self.assert_code(box.run(command, *flags, "--yes", "--report", "none/r.json"), 73)
        self.assertEqual(mock.stats()["received"], 1)
        self.assertEqual([path.name for path in box.folder.glob("*report*")], ["report.json"])

    def test_limit_sends_the_first_rows_and_goes_on_later(self):
        mock = self.mock()
        box = self.box(mock)
        file = box.results("results.csv", 20)
        self.assertIn(box.run("broadcast", file, "--yes", "--limit", "5").code, (0, 5))
        self.assertEqual(mock.stats()["accepted"], 5)
        self.assert_code(box.run("broadcast", file, "--yes"), 0)
        self.assert_each_once(mock, box, 20)


class Changes(EndToEnd):
    def test_progress_counts_old_and_new_rows(self):
        mock = self.mock()
        box = self.box(mock)
        self.assert_code(box.run("broadcast", box.results("results.csv", 10), "--yes"), 0)
        changed = box.results("results.csv", 20, first=5)
        result = box.run("broadcast", changed, "--yes", "--accept-changes")
        self.assert_code(result, 0)
        self.assertIn("progress results.csv: 25 of 25 (100.0 %)", result.err)
        self.assertEqual(mock.stats()["accepted"], 25)

    def test_a_changed_file_is_noticed(self):
        mock = self.mock()
        box = self.box(mock)
        file = box.results("results.csv", 10)
        self.assert_code(box.run("broadcast", file, "--yes"), 0)
        box.results("results.csv", 12)
        changed = box.run("broadcast", file, "--yes")
        self.assert_code(changed, 65)
        self.assertEqual(mock.stats()["accepted"], 10)
        self.assert_code(box.run("broadcast", file, "--yes", "--accept-changes"), 0)
        self.assert_each_once(mock, box, 12)

    def test_a_file_that_changes_while_it_is_sent(self):
        """In place, with as many bytes, and whatever its time says."""
        mock = self.mock("--latency", "10")
        for keeps_time in (False, True):
            with self.subTest(keeps_time=keeps_time):
                box = self.box(mock, {"http.max_in_flight": "1"})
                file = box.results("results.csv", 150, remarks="x" * 20000)  # not read at once
                before = mock.stats()["accepted"]
                running = self.start(box, "broadcast", file, "--yes", "--log-level", "warn",
                                     "--report", "report.json")
                wait_until(lambda: mock.stats()["accepted"] >= before + 3, "three messages")
                self.change(file, keeps_time)
                result = running.finish()
                self.assert_code(result, 65)
                self.assertRegex(result.err, "changed while it was (being sent|read)")
                self.assertNotIn("in flight when it stopped", result.out)  # every answer came
                self.assertTrue(result.out.endswith("\n  0 unknown\n"), result.out)
                report = json.loads((box.folder / "report.json").read_text())
                self.assertEqual(report["exit_code"], 65)
                again = box.run("broadcast", file, "--yes")
                self.assert_code(again, 65)
                self.assertIn("is on record with another file", again.err)

    @staticmethod
    def change(file, keeps_time):
        times = file.stat()
        with file.open("r+b") as out:
            out.seek(file.read_bytes().rindex(b"Educator 148"))
            out.write(b"Educator 999")
        if keeps_time:
            os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))

    @staticmethod
    def rows_with_ids(count):
        return [{"id": f"row-{i}", "to": number(i), "params": '["Asha","Physics","https://e/1"]'}
                for i in range(count)]

    @staticmethod
    def edit(rows):
        """Of the last rows, which are sent last: one changed, one removed, two added."""
        count = len(rows)
        rows[-2]["params"] = '["Asha","Chemistry","https://e/1"]'
        del rows[-5]
        return rows + [dict(rows[0], id=f"row-{i}", to=number(i)) for i in (count, count + 1)]

    def interrupted(self, mock, box, file):
        """Killed early: what it leaves unsent is not in the ledger."""
        first = self.start(box, "broadcast", file, "--yes", "--rate", "20")
        wait_until(lambda: mock.stats()["accepted"] >= 5, "the first five")
        first.signal(signal.SIGKILL)
        first.finish()

    def test_a_changed_file_says_how_many_rows_differ(self):
        mock = self.mock()
        box = self.box(mock)
        rows = self.rows_with_ids(300)
        file = box.write_csv("results.csv", rows)
        self.interrupted(mock, box, file)
        box.write_csv("results.csv", self.edit(rows))
        changed = box.run("broadcast", file, "--yes")
        self.assert_code(changed, 65)
        self.assertIn("another file (4 rows differ: 2 new, 1 gone, 1 changed;", changed.err)
        accepted = box.run("broadcast", file, "--yes", "--accept-changes")
        self.assertIn(accepted.code, (0, 4), accepted)  # 4: what was on the wire is unknown
        self.assertIn("4 rows differ", accepted.err)
        self.assert_never_twice(mock)
        wanted = {number(i) for i in range(302) if i != 295}
        self.assertEqual(set(box.states()), wanted)
        unknown = {to for to, row in box.states().items() if row["state"] == "unknown"}
        self.assertLessEqual(wanted - unknown, set(mock.messages()))
        self.assertEqual(box.run("broadcast", file, "--yes").code, accepted.code)

    def test_without_a_sound_manifest_a_changed_file_is_noticed_too(self):
        mock = self.mock()
        box = self.box(mock)
        rows = self.rows_with_ids(10)
        file = box.write_csv("results.csv", rows)
        self.assert_code(box.run("broadcast", file, "--yes"), 0)
        box.write_csv("results.csv", self.edit(rows))
        manifest = box.ledger.parent / "ledger.db.results.csv.rows"
        for spoil in (lambda: manifest.write_bytes(manifest.read_bytes()[:-1]), manifest.unlink):
            spoil()
            changed = box.run("broadcast", file, "--yes")
            self.assert_code(changed, 65)
            self.assertIn("another file (10 messages of it are recorded)", changed.err)
        self.assertIn(box.run("broadcast", file, "--yes", "--accept-changes").code, (0, 3))
        self.assert_never_twice(mock)

    def test_another_template_is_no_other_file(self):
        mock = self.mock()
        box = self.box(mock)
        file = box.results("results.csv", 3)
        self.assert_code(box.run("broadcast", file, "--yes"), 0)
        other = box.run("broadcast", file, "--yes", "--lang", "de")
        self.assert_code(other, 65)
        self.assertIn("another template, language, sender or --param (3 messages", other.err)

    def test_behind_a_limit_rows_are_not_called_new(self):
        mock = self.mock()
        box = self.box(mock)
        rows = self.rows_with_ids(10)
        file = box.write_csv("results.csv", rows)
        self.assertIn(box.run("broadcast", file, "--yes", "--limit", "7").code, (0, 5))
        box.write_csv("results.csv", self.edit(rows))  # the sixth is gone, the ninth changed
        changed = box.run("broadcast", file, "--yes")
        self.assert_code(changed, 65)
        self.assertIn("(at least 1 row differs: 0 new, 1 gone, 0 changed;", changed.err)

    def test_standard_input_is_compared_too(self):
        mock = self.mock()
        box = self.box(mock)
        text = "to,params\n" + "".join(f'{number(i)},"[""A"",""B"",""C""]"\n' for i in range(9))
        command = ("broadcast", "-", "--name", "piped", "--yes")
        self.assert_code(box.run(*command, stdin=text), 0)
        changed = box.run(*command, stdin=text.replace("A", "Z", 1))
        self.assert_code(changed, 65)
        self.assertIn("2 rows differ: 1 new, 1 gone, 0 changed", changed.err)

    def test_the_copy_of_standard_input_is_that_on_record(self):
        """It may be all that is left of a file: what is refused, or only tried, does not replace it."""
        box = self.box(self.mock())
        text = "to,params\n" + f'{number(1)},"[""A"",""B"",""C""]"\n'
        other = text.replace("A", "Z")
        copy = box.ledger.parent / "piped.input"
        command = ("broadcast", "-", "--name", "piped")
        self.assert_code(box.run(*command, "--dry-run", stdin=text), 0)
        self.assertFalse(copy.exists())
        self.assert_code(box.run(*command, "--yes", stdin=text), 0)
        self.assertEqual(copy.read_text(), text)
        self.assertEqual(copy.stat().st_mode & 0o777, 0o600)
        self.assert_code(box.run(*command, "--yes", stdin=other), 65)
        self.assert_code(box.run(*command, "--dry-run", stdin=other), 0)
        self.assertEqual(copy.read_text(), text)
        self.assert_code(box.run(*command, "--yes", "--accept-changes", stdin=other), 0)
        self.assertEqual(copy.read_text(), other)
        self.assertEqual(list(copy.parent.glob("*.new")), [])

    def test_an_id_with_other_content_is_not_sent(self):
        mock = self.mock()
        box = self.box(mock)
        rows = [{"id": "a", "to": number(1), "params": '["A","B","C"]'},
                {"id": "a", "to": number(2), "params": '["A","B","C"]'}]
        result = box.run("broadcast", box.write_csv("r.csv", rows), "--yes")
        self.assert_code(result, 3)
        self.assertEqual(mock.stats()["accepted"], 1)
        self.assertIn("id_reused", (box.folder / "r.csv.rejected.csv").read_text())

    def test_ids_that_the_ledger_has_with_other_content_are_rejected(self):
        """By the same name, the changed row is told and written aside, at every run."""
        mock = self.mock()
        box = self.box(mock)
        rows = [self.row("k1", 1), self.row("k2", 2), {"id": "k0", "to": "98", "params": "x"}]
        file = box.write_csv("ids.csv", rows)
        self.assert_code(box.run("broadcast", file, "--yes"), 3)
        rows[1]["params"] = '["Z","B","C"]'
        rows += [self.row("k3", 3), rows[1]]
        box.write_csv("ids.csv", rows)
        for flags in (("--accept-changes",), ()):
            with self.subTest(flags=flags):
                result = box.run("broadcast", file, "--yes", *flags, "--report", "r.json")
                self.assert_code(result, 3)
                self.assertIn("1 rejected: id_reused, the ledger has these ids", result.out)
                self.assertIn("k2; to look: tidings log --id k2\n", result.out)
                self.assertNotIn("on record", result.out)
                report = json.loads((box.folder / "r.json").read_text())
                self.assertEqual([report[key] for key in ("rows", "duplicates", "rejected",
                                                          "id_reused", "on_record")],
                                 [5, 1, 2, 1, 0])
                self.assertEqual(report["states"]["accepted"], 3)
                lines = (box.folder / "ids.csv.rejected.csv").read_text().splitlines()
                self.assertEqual(lines[0], "id,to,params,line,reason")
                self.assertEqual(len(lines), 3)
                self.assertTrue(lines[1].startswith('k2,+919800000002,"[""Z"",""B"",""C""]",3,'
                                                    "id_reused: the ledger has this id"), lines)
                self.assertTrue(lines[2].startswith("k0,98,x,4,"), lines)
        self.assertEqual(mock.stats()["accepted"], 3)

    def test_ids_of_another_broadcast_have_an_account(self):
        """Whatever the file has twice counts once; those of its own broadcast are its states."""
        mock = self.mock()
        box = self.box(mock)
        rows = [self.row("k1", 1), self.row("k2", 2), self.row("k2", 2), self.row("k3", 3),
                self.row("k4", 4), self.row("k4", 44)]
        self.assert_code(box.run("broadcast", box.write_csv("a.csv", rows[:2]), "--yes"), 0)
        box.run("send", rows[3]["to"], "A", "B", "Z", "--id", "k3")
        result = box.run("broadcast", box.write_csv("b.csv", rows), "--yes", "--report", "r.json")
        self.assert_code(result, 3)
        self.assertIn("2 on record: their ids are known from elsewhere", result.out)
        self.assertIn("k1, k2; to look: tidings log --id k1\n", result.out)
        for _ in range(2):
            report = json.loads((box.folder / "r.json").read_text())
            self.assertEqual([report[key] for key in ("rows", "duplicates", "rejected",
                                                      "id_reused", "on_record", "exit_code")],
                             [6, 1, 2, 1, 2, 3])
            self.assertEqual(report["states"]["accepted"], 1)
            lines = (box.folder / "b.csv.rejected.csv").read_text().splitlines()
            self.assertEqual([line.split(",")[0] for line in lines], ["id", "k3", "k4"])
            self.assertIn("id_reused: the row in line 6", lines[2])
            (box.folder / "r.json").unlink()
            self.assert_code(box.run("broadcast", "b.csv", "--yes", "--report", "r.json"), 3)
        self.assertEqual(mock.stats()["accepted"], 4)

    def test_commands_of_a_report_can_be_pasted(self):
        """A shell takes them as they were meant, names with blanks and quotes too."""
        mock = self.mock(faults=[f"code=131026@to{number(0)}", f"noid@to{number(1)}",
                                 "code=190@n3-9"])
        box = self.box(mock, {"http.max_in_flight": "1"})
        name = "Asha's results, day 1"
        file = box.results("the file.csv", 5)
        result = box.run("broadcast", file, "--name", name, "--yes", "--report", "r.json")
        self.assert_code(result, 77)
        report = json.loads((box.folder / "r.json").read_text())
        self.assertEqual([shlex.split(command) for command in report["next"]], [
            ["tidings", "broadcast", "--config", str(box.config), str(file), "--name", name, "--yes",
             "--report", "r.json"],
            ["tidings", "log", "--broadcast", name, "--failed"],
            ["tidings", "retry", "--broadcast", name],
            ["tidings", "reconcile", "--broadcast", name]])
        for command in report["next"]:
            self.assertIn(f"  {command}\n", result.out)

    def test_the_plan_says_how_many_at_most(self):
        mock = self.mock()
        box = self.box(mock)
        rows = [self.row(f"k{i}", i) for i in range(3)]
        file = box.write_csv("ids.csv", rows[:2])
        first = box.run("broadcast", file, "--yes", "--limit", "1")
        self.assertIn("to send    at most 1 message, the file's first to", first.err)
        rest = box.run("broadcast", file, "--yes")
        self.assertIn("to send    at most 1 message; what is on record", rest.err)
        rows[1]["params"] = '["Z","B","C"]'
        box.write_csv("ids.csv", rows)
        changed = box.run("broadcast", file, "--yes", "--accept-changes")
        self.assertIn("to send    at most 1 message; what is on record", changed.err)
        other = box.results("results.csv", 5)
        dry = box.run("broadcast", other, "--dry-run")
        self.assertIn("to send    at most 5 messages, the file's first to", dry.err)
        plain = box.run("broadcast", other, "--yes", "--limit", "3")
        self.assertIn("to send    3 messages, the first to", plain.err)
        plain = box.run("broadcast", other, "--yes")
        self.assertIn("to send    2 messages\n", plain.err)
        self.assertEqual(mock.stats()["accepted"], 8)

    def row(self, name, person):
        return {"id": name, "to": number(person), "params": '["A","B","C"]'}

    def test_duplicates_are_dropped(self):
        mock = self.mock()
        box = self.box(mock)
        rows = [{"to": number(1), "params": '["A","B","C"]'}] * 3
        result = box.run("broadcast", box.write_csv("r.csv", rows), "--yes")
        self.assert_code(result, 0)
        self.assertEqual(mock.stats()["accepted"], 1)

    def test_a_second_instance_is_told_who_holds_the_ledger(self):
        mock = self.mock("--latency", "300")
        box = self.box(mock, {"http.max_in_flight": "4"})
        first = self.start(box, "broadcast", box.results("a.csv", 40), "--yes")
        wait_until(lambda: mock.stats()["requests"] > 0, "the first request")
        second = box.run("broadcast", box.results("b.csv", 5), "--yes")
        self.assert_code(second, 75)
        self.assertIn(str(first.pid), second.err)
        first.signal(signal.SIGTERM)
        self.assert_code(first.finish(), 5)


class Account(EndToEnd):
    def test_of_two_runs(self):
        """The second one's report is of the whole broadcast; how it went, of this run."""
        mock = self.mock("--latency", "20", faults=[f"code=131026@to{number(0)}"])
        box = self.box(mock, {"http.max_in_flight": "2"})
        file = box.results("results.csv", 100)
        lines = file.read_text().splitlines(keepends=True)
        file.write_text("".join([*lines, lines[1], "12ab" + lines[2]]))
        running = self.start(box, "broadcast", file, "--yes")
        wait_until(lambda: mock.stats()["accepted"] >= 10, "ten messages")
        running.signal(2)
        self.assert_code(running.finish(), 5)
        first = mock.stats()["received"]
        last = box.run("broadcast", file, "--yes", "--report", "report.json")
        self.assert_code(last, 3)
        for line in (r"accepted +99", r"failed +1", r"unknown +0", r"skipped +0",
                     r"duplicates +1", r"rejected +1"):
            self.assertRegex(last.out, rf"(?m)^  {line}$")
        report = json.loads((box.folder / "report.json").read_text())
        self.assertEqual(report["states"], {"accepted": 99, "failed": 1, "unknown": 0, "skipped": 0,
                                            "left": 0})
        self.assertEqual((report["rows"], report["duplicates"], report["rejected"]), (102, 1, 1))
        self.assertEqual(report["attempts"], 100 - first)
        self.assertEqual(report["rejects_file"], f"{file}.rejected.csv")
        self.assertIn(report["rejects_file"], last.out)
        latency = report["latency_ms"]
        self.assertTrue(20 <= latency["p50"] <= latency["p95"] <= latency["p99"] <= latency["max"])
        self.assertEqual((box.folder / "report.json").stat().st_mode & 0o777, 0o600)


class Rejects(EndToEnd):
    NASTY = (b"\xef\xbb\xbfto,educator_name,test_name,dashboard_url\r\n"
             b"+919800000001,Asha,Physics,https://e/1\r\n"
             b"98,Too short,Physics,https://e/2\r\n"
             b'"+91 98000 00003","Ra""vi","Line\nbreak",https://e/3\r\n'
             b"+919800000004,N\x00ul,Physics,https://e/4\r\n"
             b"+919800000005,Bad \xff byte,Physics,https://e/5\r\n"
             b"+919800000006," + b"x" * 1000000 + b",Physics,https://e/6\r\n"
             b"+919800000007,\xe0\xa4\x86\xe0\xa4\xb6\xe0\xa4\xbe,Physics,https://e/7\r\n"
             b"+919800000008,Too,few\r\n"
             b"+919800000009,,Physics,https://e/9\r\n"
             b'"+919800000010","Quoted, comma",Physics,https://e/10')

    def test_bad_rows_stop_nobody(self):
        mock = self.mock()
        box = self.box(mock)
        file = box.folder / "nasty.csv"
        file.write_bytes(self.NASTY)
        result = box.run("broadcast", file, "--yes")
        self.assert_code(result, 3)
        self.assertEqual(set(mock.messages()), {number(1), number(7), number(10)})
        rejects = (box.folder / "nasty.csv.rejected.csv").read_text(errors="replace")
        for line in ("3", "4", "6", "7", "8", "10", "11"):
            self.assertRegex(rejects, rf"(?m)(^|,){line},")

    def test_a_mended_rejects_file_is_input(self):
        mock = self.mock()
        box = self.box(mock)
        rows = [{"to": "12ab", "params": '["A","B","C"]', "class_id": "K"}]
        file = box.write_csv("r.csv", rows)
        self.assert_code(box.run("broadcast", file, "--yes"), 65)
        rejects = box.folder / "r.csv.rejected.csv"
        rejects.write_text(rejects.read_text().replace("12ab", number(1)))
        self.assert_code(box.run("broadcast", rejects, "--yes"), 0)
        self.assertEqual(box.log()[0]["class_id"], "K")

    def test_no_usable_row_and_no_file(self):
        mock = self.mock()
        box = self.box(mock)
        empty = box.folder / "empty.csv"
        empty.write_text("")
        self.assert_code(box.run("broadcast", empty, "--yes"), 65)
        empty.write_text("name\nAsha\n")
        result = box.run("broadcast", empty, "--yes")
        self.assert_code(result, 65)
        self.assertIn("to", result.err)
        self.assert_code(box.run("broadcast", "nothing.csv", "--yes"), 66)


if __name__ == "__main__":
    unittest.main()
