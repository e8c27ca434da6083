# SPDX-License-Identifier: MIT
"""Places that are no files, values that are none, descriptors that are closed: one line that says so,
at once, and nothing is lost or written where it does not belong."""
import os
import stat
import subprocess
import unittest

from daemon_box import WithDaemon
from harness import WAIT_S, EndToEnd, number

PARAMS = ("Asha", "Physics", "https://exam.example/1")


class BadInput(EndToEnd):
    def assert_refused(self, result, code, *named):
        self.assert_code(result, code)
        lines = result.err.splitlines()
        self.assertEqual(len(lines), 1, result)
        for word in named:
            self.assertIn(word, lines[0])


class Places(BadInput):
    def fifo(self, box):
        path = box.folder / "fifo"
        os.mkfifo(path)
        return path

    def assert_still_a_fifo(self, path):
        self.assertTrue(stat.S_ISFIFO(path.lstat().st_mode))

    def test_a_pipe_that_nobody_writes_to_is_no_configuration(self):
        box = self.box(seal=False)
        path = self.fifo(box)
        self.assert_refused(box.run("log", "--config", path), 78, str(path), "nothing in it")

    def test_a_configuration_from_a_pipe(self):
        box = self.box(seal=False)
        command = ["bash", "-c", 'exec "$0" errors 4 --config <(cat "$1")', box.command("x")[0]]
        done = subprocess.run(command + [box.config], capture_output=True, text=True,
                              env=box.environment)
        self.assertEqual((done.returncode, done.stderr), (0, ""))

    def test_a_log_that_nobody_reads(self):
        box = self.box()
        path = self.fifo(box)
        result = box.run("check", "--offline", "--set", f"log.file={path}")
        self.assert_refused(result, 73, "log.file", str(path), "nobody reads")

    def test_a_ledger_that_is_no_file(self):
        mock = self.mock()
        box = self.box(mock)
        for path in (self.fifo(box), "/dev/null"):
            for command in (("log",), ("reconcile",), ("resume",), ("send", number(1), *PARAMS)):
                result = box.run(*command, "--set", f"ledger.path={path}",
                                 "--set", f"control.socket={box.folder}/sock")
                self.assert_refused(result, 78, f"ledger {path}: is no regular file")
        self.assertEqual(mock.stats()["received"], 0)

    def test_a_report_takes_the_place_of_files_only(self):
        mock = self.mock()
        box = self.box(mock)
        file, fifo = box.results("r.csv", 2), self.fifo(box)
        for path, code, why in ((fifo, 73, "no regular file"), (box.folder, 73, "a folder"),
                                ("", 64, "''")):
            result = box.run("broadcast", file, "--yes", "--report", path)
            self.assert_refused(result, code, "--report", why)
        self.assert_still_a_fifo(fifo)
        self.assertEqual(mock.stats()["received"], 0)

    def test_a_report_of_what_has_none(self):
        box = self.box()
        file = box.results("r.csv", 2)
        for command in (("reconcile", "--give-up", "--yes"), ("reconcile",),
                        ("broadcast", file, "--dry-run")):
            self.assert_refused(box.run(*command, "--report", "x.json"), 64, "--report")


    def test_secrets_of_webhooks_are_named(self):
        box = self.box(self.mock())
        secret, none = box.folder / "secret", box.folder / "none"
        secret.write_text("a secret\n")
        secret.chmod(0o600)
        for app, verify, key in ((none, secret, "app_secret_file"),
                                 (secret, none, "verify_token_file")):
            box.set({"webhook.listen": "127.0.0.1:0", "webhook.app_secret_file": app,
                     "webhook.verify_token_file": verify})
            result = box.run("broadcast", box.results("r.csv", 1), "--yes", "--webhook")
            self.assert_refused(result, 66, f"webhook.{key}: {none}", "an editor")


class Descriptors(BadInput):
    def shell(self, box, redirection, *arguments):
        command = ["sh", "-c", 'exec "$0" "$@" ' + redirection, *box.command(*arguments)]
        return subprocess.run(command, capture_output=True, text=True, env=box.environment,
                              cwd=box.folder, stdin=subprocess.DEVNULL)

    def test_what_is_printed_stays_out_of_files(self):
        box = self.box(self.mock())
        log = box.folder / "log"
        for redirection in (">&-", "2>&-", ">&- 2>&-", "<&- >&- 2>&-"):
            done = self.shell(box, redirection, "send", number(1), *PARAMS, "--id", "one",
                              "--set", f"log.file={log}")
            self.assertEqual(done.returncode, 0, redirection)
        for line in log.read_text().splitlines():
            self.assertRegex(line, r"^\d{4}-\S+ [A-Z]+ ")

    def test_closed_standard_input(self):
        box = self.box()
        done = self.shell(box, "<&-", "broadcast", "-", "--name", "x", "--yes")
        self.assertEqual(done.returncode, 66, done)
        self.assertIn("standard input cannot be read", done.stderr)

    def test_output_that_is_lost_is_told(self):
        box = self.box(self.mock())
        self.assert_code(box.run("send", number(1), *PARAMS), 0)
        for redirection in (">/dev/full", ">&-"):
            for command in (("log",), ("log", "--csv", "--all"), ("errors",),
                            ("check", "--offline")):
                done = self.shell(box, redirection, *command)
                self.assertEqual(done.returncode, 73, (redirection, command))
                self.assertIn("standard output cannot be written", done.stderr)
            done = self.shell(box, redirection, "send", number(2), *PARAMS)
            self.assertEqual(done.returncode, 0, "it was sent, whoever hears of it")
            self.assertIn("standard output cannot be written", done.stderr)

    def test_a_reader_that_has_gone_is_no_failure(self):
        box = self.box()
        read, write = os.pipe()
        os.close(read)
        done = subprocess.run(box.command("errors"), stdout=write, stderr=subprocess.PIPE,
                              text=True, env=box.environment)
        os.close(write)
        self.assertEqual((done.returncode, done.stderr), (0, ""))


class Watching(WithDaemon):
    def test_a_watch_ends_with_its_reader(self):
        box = self.daemon_box(self.mock())
        daemon = self.start_daemon(box)
        read, write = os.pipe()
        with subprocess.Popen(box.command("status", "--watch"), stdout=write,
                              stderr=subprocess.PIPE, env=box.environment) as watch:
            os.close(write)
            os.read(read, 10)
            os.close(read)
            self.assertEqual(watch.wait(WAIT_S), 0)
            self.assertEqual(watch.stderr.read(), b"")
        self.stop_daemon(daemon)


class Values(BadInput):
    def test_empty_ones_do_not_mean_everything(self):
        mock = self.mock(faults=["code=131026"])
        box = self.box(mock)
        self.assert_code(box.run("broadcast", box.results("r.csv", 4), "--yes", "-q"), 3)
        sent = mock.stats()["received"]
        for command in (("retry", "--yes"), ("reconcile", "--sent", "--yes"), ("log",)):
            for flag in ("--class", "--test", "--broadcast", "--id", "--to", "--state", "--code",
                         "--since", "--until"):
                self.assert_refused(box.run(*command, flag, ""), 64, flag, "''")
        self.assertEqual(mock.stats()["received"], sent)
        self.assert_refused(box.run("log", "--config", ""), 64, "--config: ''")
        self.assert_refused(box.run("broadcast", "", "--yes"), 64, "wants one FILE")

    def test_a_span_without_time(self):
        box = self.box()
        for since, until in (("2h", "3h"), ("1790000000", "1790000000")):
            result = box.run("log", "--since", since, "--until", until)
            self.assert_refused(result, 64, "--until", "--since")

    def test_control_characters_stay_in_one_line(self):
        box = self.box()
        box.results("r.csv", 1)
        bad = "a\nb\x1b[31m"
        for arguments, code in ((("log", "--log-level", bad), 64), (("errors", bad), 64),
                                (("log", "--state", bad), 64), (("pause", bad), 64),
                                (("log", "--set", f"log.level={bad}"), 78),
                                (("broadcast", "r.csv", "--name", bad, "--yes"), 64)):
            result = box.run(*arguments)
            self.assert_refused(result, code, "a b [31m")
            self.assertNotIn("\x1b", result.err)

    def test_column_names_with_control_characters(self):
        box = self.box()
        (box.folder / "r.csv").write_text(
            f"to,p1,p2,p3,\x1b[31mred\n{number(1)},A,B,C,x\n")
        result = box.run("broadcast", "r.csv", "--dry-run")
        self.assert_code(result, 0)
        self.assertIn("columns that no field uses:  [31mred\n", result.err)
        self.assertNotIn("\x1b", result.err)

    def test_a_dry_run_counts(self):
        box = self.box()
        file = box.results("r.csv", 3)
        self.assert_code(box.run("broadcast", file, "--dry-run", "--expect-count", "3"), 0)
        wrong = box.run("broadcast", file, "--dry-run", "--expect-count", "4")
        self.assert_code(wrong, 64)
        self.assertIn("the file has 3 valid", wrong.err)

    def test_seconds_behind_a_blank(self):
        box = self.box()
        result = box.run("broadcast", box.results("r.csv", 1), "--yes", "--webhook", "30")
        self.assert_refused(result, 64, "'30' is too much", "--webhook=SECONDS")


if __name__ == "__main__":
    unittest.main()
