# SPDX-License-Identifier: MIT
"""On a terminal: questions, the live block, Ctrl-C, a token that is not shown."""
import codecs
import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time
import unittest

from harness import EndToEnd, TOKEN, WAIT_S, number


class Terminal:
    """tidings with a terminal as its standard streams."""

    def __init__(self, box, *arguments, columns=80, term="xterm"):
        self.master, terminal = pty.openpty()
        self.resize(columns)
        environment = dict(box.environment, TERM=term)
        self.process = subprocess.Popen(box.command(*arguments), stdin=terminal, stdout=terminal,
                                        stderr=terminal, cwd=box.folder, env=environment,
                                        start_new_session=True)
        os.close(terminal)
        self.decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        self.text = ""

    def resize(self, columns):
        size = struct.pack("HHHH", 24, columns, 0, 0)
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, size)

    def read(self):
        """What it says next; False when it has closed the terminal."""
        if not select.select([self.master], [], [], 1)[0]:
            return True
        try:
            data = os.read(self.master, 65536)
        except OSError:
            return False
        self.text += self.decoder.decode(data)
        return bool(data)

    def expect(self, text):
        end = time.monotonic() + WAIT_S
        while text not in self.text and time.monotonic() < end:
            if not self.read() and text not in self.text:
                break
        if text not in self.text:
            raise AssertionError(f"no '{text}' in:\n{self.text}")

    def type(self, text):
        os.write(self.master, text.encode())

    def finish(self):
        while self.read():
            pass
        return self.process.wait(WAIT_S)

    def end(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(WAIT_S)
        os.close(self.master)


class Screen:
    """What stands on a screen of that many columns, from its first row on, after this text."""

    def __init__(self, columns, text):
        self.columns, self.rows, self.row, self.column = columns, [""], 0, 0
        for part in re.findall(r"\x1b\[\d*[A-Za-z]|[^\x1b]", text):
            self.take(part)

    def take(self, part):
        if part.startswith("\x1b"):
            self.control(part[-1], int(part[2:-1] or 0))
        elif part == "\r":
            self.column = 0
        elif part == "\n":
            self.down()
        else:
            self.put(part)

    def control(self, name, value):
        if name == "A":
            self.row -= value
        elif name == "J":
            self.rows[self.row:] = [self.rows[self.row][:self.column]]

    def down(self):
        self.row += 1
        if self.row == len(self.rows):
            self.rows.append("")

    def put(self, character):
        if self.column == self.columns:
            self.column = 0
            self.down()
        row = self.rows[self.row].ljust(self.column)
        self.rows[self.row] = row[:self.column] + character + row[self.column + 1:]
        self.column += 1


def frames(text):
    """The live block's three lines, each time it was drawn."""
    return re.findall(r"(?:\n|\x1b\[J)([^\n\x1b]*[░█][^\n]*)\r\n(.*)\r\n(.*)\r\n", text)


def too_wide(drawn, columns):
    return [line for frame in drawn for line in frame if len(line) > columns]


class OnATerminal(EndToEnd):
    def terminal(self, box, *arguments, **screen):
        terminal = Terminal(box, *arguments, **screen)
        self.addCleanup(terminal.end)
        return terminal

    def test_a_broadcast_asks(self):
        for answer, code, sent in (("n\n", 64, 0), ("\n", 64, 0), ("y\n", 0, 20)):
            with self.subTest(answer=answer):
                mock = self.mock()
                box = self.box(mock)
                terminal = self.terminal(box, "broadcast", box.results("r.csv", 20))
                terminal.expect("Send?")
                self.assertEqual(mock.stats()["received"], 0)
                self.assertIn("20 messages", terminal.text)
                terminal.type(answer)
                self.assertEqual(terminal.finish(), code, terminal.text)
                self.assertEqual(mock.stats()["accepted"], sent)

    def test_the_live_block_and_only_warnings_beside_it(self):
        mock = self.mock("--latency", "20", faults=[f"code=131026@to{number(7)}"])
        box = self.box(mock, {"http.max_in_flight": "2"})
        terminal = self.terminal(box, "broadcast", box.results("r.csv", 100), "--yes")
        self.assertEqual(terminal.finish(), 3)
        text = terminal.text
        self.assertIn("\x1b[", text)
        self.assertRegex(text, r"ETA \d\d:\d\d:\d\d")
        for word in ("accepted", "failed", "unknown", "skipped", "in flight"):
            self.assertIn(word, text)
        self.assertIn("❌ WhatsApp API error", text)
        self.assertNotIn("✅ WhatsApp sent", text)
        self.assertIsNone(re.search(r"\x1b\[[0-9;]*m", text), "NO_COLOR")

    def test_a_dumb_terminal_gets_lines(self):
        """Escape sequences are rubbish on it."""
        mock = self.mock()
        box = self.box(mock)
        terminal = self.terminal(box, "broadcast", box.results("r.csv", 100), "--yes", term="dumb")
        self.assertEqual(terminal.finish(), 0, terminal.text)
        self.assertNotIn("\x1b", terminal.text)
        self.assertIn("progress r.csv: 100 of 100", terminal.text)

    def test_the_live_block_fits_and_leaves_nothing_behind(self):
        mock = self.mock("--latency", "20")
        for columns in (80, 40):
            with self.subTest(columns=columns):
                box = self.box(mock, {"http.max_in_flight": "2"})
                file = box.results("results-of-the-whole-school-é.csv", 150, first=columns * 1000)
                terminal = self.terminal(box, "broadcast", file, "--yes", columns=columns)
                self.assertEqual(terminal.finish(), 0, terminal.text)
                drawn = frames(terminal.text)
                self.assertGreater(len(drawn), 1, terminal.text)
                self.assertEqual([], too_wide(drawn, columns))
                rows = Screen(columns, terminal.text).rows
                self.assertEqual(sum("█" in row for row in rows), 1, "\n".join(rows))
                self.assertEqual(sum("  rate " in row and "/s of" in row for row in rows), 1,
                                 "\n".join(rows))

    def test_the_live_block_follows_the_terminal(self):
        mock = self.mock("--latency", "20")
        box = self.box(mock, {"http.max_in_flight": "2"})
        terminal = self.terminal(box, "broadcast", box.results("results-10000.csv", 1000), "--yes",
                                 columns=120)
        terminal.expect("ETA")
        self.assertIn("results-10000.csv █", terminal.text.replace("░", "█"))
        terminal.resize(50)
        terminal.expect("resul… ")
        drawn = len(terminal.text)
        terminal.process.send_signal(signal.SIGINT)
        self.assertEqual(terminal.finish(), 5, terminal.text)
        self.assertEqual([], too_wide(frames(terminal.text[drawn:]), 50))

    def test_ctrl_c(self):
        mock = self.mock("--latency", "100")
        box = self.box(mock, {"http.max_in_flight": "2"})
        terminal = self.terminal(box, "broadcast", box.results("r.csv", 100), "--yes")
        terminal.expect("ETA")
        terminal.process.send_signal(signal.SIGINT)
        self.assertEqual(terminal.finish(), 5, terminal.text)
        self.assertIn("Go on:", terminal.text)
        self.assertEqual(mock.stats()["accepted"], len(box.log("--sent")))

    def test_send_asks_for_what_is_missing(self):
        mock = self.mock()
        box = self.box(mock)
        terminal = self.terminal(box, "send")
        for question, answer in (("to", number(1)), ("educator_name", "Asha"),
                                 ("test_name", "Physics"), ("dashboard_url", "https://e/1")):
            terminal.expect(question)
            terminal.type(answer + "\n")
        self.assertEqual(terminal.finish(), 0, terminal.text)
        self.assertEqual(mock.messages()[number(1)]["params"], ["Asha", "Physics", "https://e/1"])

    def test_an_answer_may_be_as_long_as_a_parameter(self):
        mock = self.mock()
        terminal = self.terminal(self.box(mock), "send", number(1), "Asha")
        terminal.expect("test_name")
        terminal.type("\u0915" * 900 + "\n")
        terminal.expect("dashboard_url")
        terminal.type("https://e/1\n")
        self.assertEqual(terminal.finish(), 0, terminal.text)
        self.assertEqual(mock.messages()[number(1)]["params"],
                         ["Asha", "\u0915" * 900, "https://e/1"])

    def test_a_token_is_not_shown_while_it_is_typed(self):
        box = self.box(seal=False)
        self.assert_code(box.run("token", "keygen"), 0)
        terminal = self.terminal(box, "token", "seal")
        terminal.expect("oken")
        terminal.type(TOKEN + "\n")
        self.assertEqual(terminal.finish(), 0, terminal.text)
        self.assertNotIn(TOKEN, terminal.text)
        self.assertIn(TOKEN[:8], box.run("token", "show").out)


if __name__ == "__main__":
    unittest.main()
