# SPDX-License-Identifier: MIT
"""The command line as people and scripts meet it: help, flags, configuration, token, check, errors,
and one line that says what is wrong and what is allowed."""
import json
import os
import subprocess
import unittest

from harness import PHONE_ID, TIDINGS, TOKEN, WABA_ID, EndToEnd, free_port, number

COMMANDS = ("check", "token", "send", "broadcast", "log", "retry", "errors")
MASKED = TOKEN[:8] + "..." + TOKEN[-3:]


def tidings(*arguments):
    return subprocess.run([TIDINGS, *arguments], capture_output=True, text=True,
                          stdin=subprocess.DEVNULL)


class Help(EndToEnd):
    def test_of_every_command(self):
        for command in COMMANDS:
            with self.subTest(command=command):
                first, second = tidings(command, "--help"), tidings("help", command)
                self.assertEqual((first.returncode, first.stderr), (0, ""))
                self.assertTrue(first.stdout.startswith(f"Usage: tidings {command} "))
                self.assertEqual(first.stdout, second.stdout)
                self.assertIn("--config FILE", first.stdout)
                self.assertLessEqual(max(map(len, first.stdout.splitlines())), 110)

    def test_of_all_commands(self):
        for arguments in (("help",), ("--help",), ("-h",)):
            result = tidings(*arguments)
            self.assertEqual(result.returncode, 0)
            for command in COMMANDS:
                self.assertRegex(result.stdout, rf"(?m)^  {command} ")
        bare = tidings()
        self.assertEqual((bare.returncode, bare.stdout), (64, ""))
        self.assertIn("usage:", bare.stderr)

    def test_version(self):
        self.assertRegex(tidings("--version").stdout, r"^tidings \d+\.\d+\.\d+\n$")

    def test_unknown_words_name_the_nearest(self):
        for arguments, near in ((("brodcast",), '"broadcast"'), (("chekc",), '"check"'),
                                (("help", "sned"), '"send"'), (("--versio",), '"--version"'), (("xyzzy",), "`tidings help`"),
                                (("log", "--clas=A"), "--class"), (("send", "--tempalte", "x"),
                                                                   "--template"),
                                (("broadcast", "-x"), "-x"), (("token", "keygn"), '"keygen"')):
            with self.subTest(arguments=arguments):
                result = tidings(*arguments)
                self.assertEqual((result.returncode, result.stdout), (64, ""))
                self.assertIn(near, result.stderr)
                self.assertEqual(len(result.stderr.splitlines()), 1)

    def test_flags_of_later_versions_are_unknown(self):
        for flag in ("--canary=5", "--start-at=now", "--deadline=now", "--max-errors=3"):
            self.assertEqual(tidings("broadcast", flag, "x.csv").returncode, 64, flag)


class BadFlags(EndToEnd):
    BAD = (
        (("broadcast",), "FILE"), (("broadcast", "a", "b"), "one FILE"),
        (("broadcast", "r.csv", "--rate", "0"), "--rate"),
        (("broadcast", "r.csv", "--rate", "fast"), "--rate"),
        (("broadcast", "r.csv", "--rate=2000000"), "--rate"),
        (("broadcast", "r.csv", "--limit", "0"), "--limit"),
        (("broadcast", "r.csv", "--limit=x"), "--limit"),
        (("broadcast", "r.csv", "--limit"), "--limit"),
        (("broadcast", "r.csv", "--sender", "abc"), "--sender"),
        (("broadcast", "r.csv", "--name", "a/b", "--yes"), "--name"),
        (("broadcast", "r.csv", "--name", "", "--yes"), "--name"),
        (("broadcast", "r.csv", "--name", "x" * 300, "--yes"), "--name"),
        (("broadcast", "r.csv", "--expect-count", "many"), "--expect-count: 'many'"),
        (("broadcast", "none.csv", "--expect-count=-1"), "(0 or more)"),
        (("broadcast", "r.csv", "--sender="), "--sender: ''"),
        (("broadcast", "r.csv", "--template", "Bad Name"), "--template: 'Bad Name'"),
        (("broadcast", "r.csv", "--lang", ""), "--lang: ''"),
        (("broadcast", "r.csv", "--lang=e"), "--lang: 'e'"),
        (("broadcast", "r.csv", "--param", "x=to,test_name"), "--param: 'x=to,test_name'"),
        (("broadcast", "r.csv", "--param", "to,,test_name"), "none of them empty"),
        (("broadcast", "r.csv", "--param", "x=to,x=test_name"), "no name twice"),
        (("broadcast", "r.csv", "--param", "x= to"), "without blanks"),
        (("broadcast", "r.csv", "--param", "X=to"), "a to z"),
        (("broadcast", "r.csv", "--yes=1"), "--yes"),
        (("broadcast", "-"), "--name"),
        (("send",), "TO"), (("send", number(1)), "3 parameters"),
        (("send", number(1), "--params"), "--params"),
        (("log", "x"), "x"), (("log", "--state", "lost"), "--state"),
        (("log", "--code", "x"), "--code"), (("log", "--code", "-1"), "--code"),
        (("log", "--to", "12"), "8 to 15 digits)"), (("log", "--since", "yesterday"), "--since"),
        (("log", "--until", "5x"), "--until"), (("log", "--recent", "0"), "--recent"),
        (("log", "--csv", "--json"), "one of --csv and --json"),
        (("log", "--recent", "1", "--all"), "one of --recent and --all"),
        (("retry", "x"), "x"), (("retry", "--state", "lost"), "--state"),
        (("retry", "--since", "soon"), "--since"),
        (("check", "x"), "check: 'x' is not"), (("check", "--strict=hard"), "'hard'"),
        (("errors", "abc"), "abc"), (("errors", "1", "2"), "one CODE"),
        (("token",), "keygen, seal, show"), (("token", "show", TOKEN), "never from an argument"),
        (("token", "show", "--passphrase"), "--passphrase"),
        (("log", "--set", "log.level"), "--set"), (
            ("log", "--log-level", "loud"), "--log-level: 'loud'"),
        (("log", "--log-format", "xml"), "--log-format: 'xml'"), (("log", "--set"), "--set"),
    )

    def test_each_gets_one_line_that_names_it(self):
        box = self.box()
        box.results("r.csv", 3)
        for arguments, named in self.BAD:
            with self.subTest(arguments=arguments):
                result = box.run(*arguments)
                configuration = arguments[1:2] == ("--set",) and len(arguments) > 2
                self.assert_code(result, 78 if configuration else 64)
                self.assertEqual(result.out, "")
                lines = [x for x in result.err.splitlines() if x.startswith("tidings: ")]
                self.assertEqual(len(lines), 1, result)
                self.assertIn(named, lines[0])
                self.assertNotIn(TOKEN, result.err)
        self.assertEqual(list(box.folder.glob("*.rejected.csv")), [])

    def test_a_column_that_the_file_has_not(self):
        box = self.box()
        box.results("r.csv", 3)
        flags = ("--param", "educator_name,educator_nam,dashboard_url", "--dry-run")
        result = box.run("broadcast", "r.csv", "--param", "test_name,tets_name,dashboard_url")
        self.assert_code(result, 65)
        self.assertIn("--param: the file has no column `tets_name` (did you mean `test_name`?); it "
                      "has: to, educator_name, test_name", result.err)
        self.assertEqual(list(box.folder.glob("*.rejected.csv")), [])
        box.results("own.csv", 3, params='["A","B","C"]')  # its rows have their own
        self.assert_code(box.run("broadcast", "own.csv", *flags), 0)
        box.write_csv("blank.csv", [{"to": number(1), "the name": "A", "b": "B", "c": "C"}])
        result = box.run("broadcast", "blank.csv", "--param", "the name, b ,c", "--dry-run")
        self.assert_code(result, 0)


# A machine with the settings of a service: /etc as it is, and what $3 does to it, in a mount
# namespace of its own. Then `tidings status` as somebody else.
SERVICE = """
mount --make-rprivate / && mount -t tmpfs tmpfs "$1" && mkdir "$1/u" "$1/w" "$1/vu" "$1/vw" &&
mount -t overlay overlay -o "lowerdir=/etc,upperdir=$1/u,workdir=$1/w" /etc &&
mount -t overlay overlay -o "lowerdir=/var/lib,upperdir=$1/vu,workdir=$1/vw" /var/lib &&
mkdir -p /etc/tidings && rm -rf /etc/tidings/* && : > /etc/tidings/tidings.conf &&
install -d -m 0700 /var/lib/tidings && chmod "$3" /etc/tidings || exit 99
exec setpriv --reuid 65534 --regid 65534 --clear-groups "$2" status
"""


class Configuration(EndToEnd):
    def as_somebody_else(self, mode):
        box = self.box()
        environment = dict(box.environment, HOME="/nonexistent/home")
        for name in ("TIDINGS_CONFIG", "XDG_CONFIG_HOME", "XDG_STATE_HOME", "STATE_DIRECTORY"):
            environment.pop(name, None)
        try:
            result = subprocess.run(["unshare", "-m", "sh", "-c", SERVICE, "sh", str(box.folder),
                                     TIDINGS, mode], capture_output=True, text=True,
                                    env=environment)
        except OSError as e:
            self.skipTest(str(e))
        if result.returncode in (1, 99, 126, 127):
            self.skipTest("no mount namespace to try it in: " + result.stderr.strip()[-200:])
        return result

    def test_settings_of_a_service_that_may_not_be_read(self):
        """Without them `pause` would pause nothing, and say that nothing runs."""
        result = self.as_somebody_else("0700")
        self.assertEqual(result.returncode, 78, result)
        self.assertIn("/etc/tidings/tidings.conf: cannot be opened: Permission denied (run the "
                      "command as a user that may read it", result.stderr)

    def test_settings_of_a_service_without_its_ledger(self):
        result = self.as_somebody_else("0755")
        self.assertEqual(result.returncode, 69, result)
        self.assertIn("warning: /var/lib/tidings is not this user's to write", result.stderr)
        self.assertIn("the ledger is /nonexistent/home/.local/state/tidings", result.stderr)

    def test_every_error_is_printed_with_its_line(self):
        box = self.box(seal=False)
        box.config.write_text("[rate]\nmessages_per_second = fast\nguard_percent = 51\n"
                              "[http]\nverson = 2\nversion = 3\ntimeout_ms = 99\n"
                              "[htp]\nversion = 2\n[whatsapp]\nphone_id = 12ab\n"
                              "enabled = perhaps\napi_base = http://graph.facebook.com\n"
                              "api_version = 22\n[template]\nname = Results Update\n"
                              "no equals sign\n[log]\nlevel = info\nlevel = warn\n"
                              "[redis]\nurl = redis://:hush@h:x\n")
        result = box.run("check", "--offline")
        self.assert_code(result, 78)
        self.assertEqual(result.out, "")
        for line, word in ((2, "rate.messages_per_second"), (3, "0 to 50"), (5, "http.version"),
                           (6, "1.1, 2"), (7, "100 to 600,000"), (8, "[http]"),
                           (11, "whatsapp.phone_id: '12ab' is not allowed"), (12, "true or false"),
                           (13, "'http://graph.facebook.com' is not allowed (https://"),
                           (14, "v22.0"), (16, "template.name"), (17, ""), (20, "line 19"),
                           (22, "redis.url: the port is none")):
            with self.subTest(line=line):
                said = [x for x in result.err.splitlines() if f"{box.config}:{line}: " in x]
                self.assertEqual(len(said), 1, result)
                self.assertIn(word, said[0])
        self.assertNotIn("hush", result.err)

    def test_no_file_where_one_was_named(self):
        self.assertEqual(tidings("check", "--config", "/nowhere/tidings.conf").returncode, 78)

    def test_the_environment_beats_the_file_and_flags_beat_both(self):
        box = self.box(settings={"rate.messages_per_second": "10"})
        file = box.results("r.csv", 2)
        dry = ("broadcast", file, "--dry-run")
        env = {"TIDINGS_RATE_MESSAGES_PER_SECOND": "20"}
        self.assertIn("10 a second", box.run(*dry).err)
        self.assertIn("20 a second", box.run(*dry, env=env).err)
        flag = ("--set", "rate.messages_per_second=30")
        self.assertIn("30 a second", box.run(*dry, *flag, env=env).err)
        self.assertIn("40 a second", box.run(*dry, *flag, "--rate", "40", env=env).err)

    def test_the_ledger_is_never_in_the_working_directory(self):
        mock = self.mock()
        box = self.box(mock)
        file = box.results("r.csv", 2)
        for flags, env, where in ((("--set", "ledger.path=l.db"), {}, "--set"),
                                  ((), {"TIDINGS_LEDGER_PATH": "l.db"}, "TIDINGS_LEDGER_PATH")):
            for command in (("broadcast", file, "--yes"), ("check",)):
                result = box.run(*command, *flags, env=env)
                self.assert_code(result, 78)
                self.assertIn(f"{where}: ledger.path: 'l.db' is not allowed (an absolute path",
                              result.err)
        self.assertFalse((box.folder / "l.db").exists())
        self.assertEqual(mock.stats()["received"], 0)

    def test_older_names(self):
        box = self.box(settings={"whatsapp.phone_id": "", "whatsapp.waba_id": ""})
        self.assertIn("❌ phone_id", box.run("check", "--offline").out)
        out = box.run("check", "--offline", env={
            "WHATSAPP_PHONE_ID": "42", "WABA_ID": "43", "WHATSAPP_API_VERSION": "v23.0"}).out
        for line in ("WHATSAPP_PHONE_ID: 42", "WABA_ID: 43", "API_VERSION: v23.0"):
            self.assertIn(line, out)

    def test_unknown_variables_warn_and_bad_ones_fail(self):
        box = self.box()
        odd = box.run("check", "--offline", env={"TIDINGS_PORT_9464_TCP": "tcp://10.0.0.1"})
        self.assert_code(odd, 0)
        self.assertIn("warning: environment TIDINGS_PORT_9464_TCP", odd.err)
        bad = box.run("check", "--offline", env={"TIDINGS_HTTP_TIMEOUT_MS": "1"})
        self.assert_code(bad, 78)
        self.assertIn("TIDINGS_HTTP_TIMEOUT_MS", bad.err)
        self.assertIn("100 to 600,000", bad.err)

    def test_switched_off_from_any_source(self):
        mock = self.mock()
        for settings, env, flags in (
                ({"whatsapp.enabled": "false"}, {"WHATSAPP_ENABLED": "true"}, ()),
                ({}, {"WHATSAPP_ENABLED": "false"}, ("--set", "whatsapp.enabled=true")),
                ({}, {"TIDINGS_WHATSAPP_ENABLED": "0"}, ()),
                ({}, {}, ("--set", "whatsapp.enabled=false"))):
            with self.subTest(settings=settings, env=env, flags=flags):
                box = self.box(mock, settings)
                check = box.run("check", *flags, env=env)
                self.assertIn("WhatsApp is DISABLED", check.out)
                for command in (("broadcast", box.results("r.csv", 2), "--yes"),
                                ("send", number(1), "A", "B", "C")):
                    result = box.run(*command, *flags, env=env)
                    self.assert_code(result, 5)
                    self.assertIn("switched off", result.err)
        self.assertEqual(mock.stats()["received"], 0)

    def test_no_sender_and_no_token(self):
        mock = self.mock()
        box = self.box(mock, {"whatsapp.phone_id": ""})
        result = box.run("send", number(1), "A", "B", "C")
        self.assert_code(result, 78)
        self.assertIn("whatsapp.phone_id", result.err)
        box = self.box(mock, {"token.file": ""}, seal=False)
        result = box.run("send", number(1), "A", "B", "C")
        self.assert_code(result, 78)
        self.assertIn("WHATSAPP_TOKEN", result.err)

    def test_log_as_json_and_into_a_file(self):
        mock = self.mock()
        box = self.box(mock)
        result = box.run("broadcast", box.results("r.csv", 3), "--yes", "--log-format", "json",
                         "--set", f"log.file={box.folder}/log", "-q", "--log-level", "info")
        self.assert_code(result, 0)
        events = [json.loads(line) for line in (box.folder / "log").read_text().splitlines()]
        texts = [event.get("text", event.get("msg", event.get("event"))) for event in events]
        self.assertEqual(texts.count("✅ WhatsApp sent successfully"), 3)
        self.assertNotIn(number(1), (box.folder / "log").read_text())


class Token(EndToEnd):
    def test_keygen_never_writes_over_a_key(self):
        box = self.box(seal=False)
        self.assert_code(box.run("token", "keygen"), 0)
        key = (box.folder / "key").read_bytes()
        self.assertEqual((box.folder / "key").stat().st_mode & 0o777, 0o600)
        again = box.run("token", "keygen")
        self.assert_code(again, 73)
        self.assertIn("never written over", again.err)
        self.assertEqual((box.folder / "key").read_bytes(), key)

    def test_seal_and_show(self):
        box = self.box()
        self.assertEqual((box.folder / "token").stat().st_mode & 0o777, 0o600)
        self.assertNotIn(TOKEN.encode(), (box.folder / "token").read_bytes())
        self.assertEqual(box.run("token", "show").out, f"{MASKED} (sealed)\n")
        shown = json.loads(box.run("token", "show", "--json").out)
        self.assertEqual((shown["v"], shown["token"], shown["kind"]), (1, MASKED, "sealed"))
        other = TOKEN.replace("test", "more")
        sealed = box.run("token", "seal", env={"WHATSAPP_TOKEN": other})
        self.assert_code(sealed, 0)
        self.assertIn(other[:8], box.run("token", "show").out)

    def test_seal_refuses_what_is_no_token(self):
        for text in ("", "short", "two words in one line " * 3, "EAA\x01" + "x" * 40):
            with self.subTest(text=text):
                box = self.box(seal=False)
                box.run("token", "keygen")
                result = box.run("token", "seal", stdin=text)
                self.assertIn(result.code, (65, 66, 78), result)
                self.assertFalse((box.folder / "token").exists())

    def refused(self, box, code, words):
        mock = self.mock()
        box.talk_to(mock)
        for command in (("token", "show"), ("send", number(1), "A", "B", "C")):
            result = box.run(*command)
            self.assert_code(result, code)
            self.assertRegex(result.err, words)
            self.assertNotIn(TOKEN, result.err)
        self.assertEqual(mock.stats()["requests"], 0)

    def test_files_that_others_can_read(self):
        for name in ("token", "key"):
            with self.subTest(name=name):
                box = self.box()
                (box.folder / name).chmod(0o644)
                self.refused(box, 78, f"{box.folder}/{name}.*chmod 600")
                check = box.run("check", "--offline", "--strict")
                self.assert_code(check, 78)
                self.assertRegex(check.out, f"❌ token.*{name}")

    def test_a_wrong_key(self):
        box = self.box()
        (box.folder / "key").unlink()
        self.assert_code(box.run("token", "keygen"), 0)
        self.refused(box, 77, "(?i)key")

    def test_a_missing_key_and_token(self):
        for name in ("token", "key"):
            with self.subTest(name=name):
                box = self.box()
                (box.folder / name).unlink()
                result = box.run("token", "show")
                self.assertIn(result.code, (66, 78), result)
                self.assertIn(f"{box.folder}/{name}", result.err)

    def test_a_cut_or_changed_token(self):
        def cut(sealed):
            return sealed[:len(sealed) // 2]

        def change(sealed):
            return sealed[:-6] + bytes([sealed[-6] ^ 1]) + sealed[-5:]

        for damage in (cut, change, lambda sealed: b"", lambda sealed: b"nonsense\n"):
            box = self.box()
            path = box.folder / "token"
            path.write_bytes(damage(path.read_bytes()))
            self.refused(box, 78, f"{path}")

    def test_a_plain_token_works_with_a_warning(self):
        mock = self.mock("--token", TOKEN)
        box = self.box(mock, {"token.file": ""}, seal=False)
        env = {"WHATSAPP_TOKEN": TOKEN}
        check = box.run("check", "--strict", env=env)
        self.assert_code(check, 0)
        self.assertIn(f"WHATSAPP_TOKEN: {MASKED} (plain)", check.out)
        self.assertIn("⚠️", check.out)
        self.assert_code(box.run("check", "--strict=warn", env=env), 78)
        self.assert_code(box.run("send", number(1), "A", "B", "C", env=env), 0)
        sealed = self.box(mock)
        wrong = {"WHATSAPP_TOKEN": "EAAwrong00000000000000000000000000000"}
        self.assert_code(sealed.run("send", number(1), "A", "B", "C", env=wrong), 0)


class Check(EndToEnd):
    TOP = f"""WhatsApp Configuration Check

✅ WhatsApp is ENABLED

Configuration:
  WHATSAPP_TOKEN: {MASKED} (sealed)
  WHATSAPP_PHONE_ID: {PHONE_ID}
  WABA_ID: {WABA_ID}
  API_VERSION: v22.0
  API_BASE: %s/v22.0

✅ Configuration is VALID

Ready to send WhatsApp notifications!

"""

    def test_it_prints_what_people_know(self):
        mock = self.mock("--token", TOKEN)
        box = self.box(mock, {"rate.messages_per_second": "80"})
        for flags in (("--strict",), ("--strict=warn",)):
            result = box.run("check", *flags)
            top = self.TOP % mock.url
            self.assertEqual(result.out[:len(top)], top)
            rest = result.out[len(top):]
            for subject in ("token", "phone number", "quality", "throughput", "template",
                            "ledger", "disk space", "clock"):
                self.assertRegex(rest, f"(?m)^(✅|⚠️|❌) +{subject}: .+$")
            self.assertNotIn("❌", rest)
        self.assertEqual(mock.stats()["received"], 0)
        self.assertFalse(box.ledger.exists())

    def test_as_json(self):
        box = self.box(self.mock())
        answer = json.loads(box.run("check", "--json").out)
        self.assertEqual((answer["v"], answer["valid"], answer["token"]), (1, True, MASKED))
        self.assertLessEqual({c["result"] for c in answer["checks"]}, {"ok", "warning", "error"})

    def test_offline_asks_nobody(self):
        box = self.box(settings={"whatsapp.api_base": f"http://127.0.0.1:{free_port()}"})
        result = box.run("check", "--offline", "--strict")
        self.assert_code(result, 0)
        self.assertNotIn("phone number", result.out)

    def test_strict_codes(self):
        wrong = self.mock("--token", "EAAanother0000000000000000000000000")
        other_phone = self.mock("--phone-id", "1")
        dead = {"whatsapp.api_base": f"http://127.0.0.1:{free_port()}"}
        for mock, settings, code, words in (
                (wrong, {}, 77, "190"), (None, dead, 69, "cannot be reached"),
                (other_phone, {}, 78, "code 100"),
                (self.mock(), {"template.name": "nosuch"}, 78, "nosuch does not exist"),
                (self.mock(), {"template.params": "a,b"}, 78, "takes 3 parameters.*names 2"),
                (self.mock("--template", "promo:en_US:1"),
                 {"template.name": "promo"}, 78, "takes 1 parameters.*names 3"),
                (self.mock(), {"whatsapp.phone_id": ""}, 78, "phone_id")):
            with self.subTest(words=words):
                box = self.box(mock, settings)
                result = box.run("check", "--strict")
                self.assert_code(result, code)
                self.assertRegex(result.out, f"(?m)^❌ .*{words}")
                self.assertIn("❌ Configuration is NOT VALID", result.out)
                self.assertNotIn("Ready to send", result.out)
                self.assert_code(box.run("check"), 0)

    def test_disabled_is_a_warning(self):
        box = self.box(self.mock(), {"whatsapp.enabled": "false",
                                     "rate.messages_per_second": "80"})
        self.assert_code(box.run("check", "--strict"), 0)
        self.assert_code(box.run("check", "--strict=warn"), 78)
        self.assertIn("WhatsApp is DISABLED", box.run("check").out)

    def test_a_short_token_is_masked_whole(self):
        box = self.box(settings={"token.file": ""}, seal=False)
        short = "EAAshorttoken12345"
        result = box.run("check", "--offline", env={"WHATSAPP_TOKEN": short})
        self.assertNotIn(short[:8], result.out)


class Errors(EndToEnd):
    def test_codes(self):
        one = tidings("errors", "131026")
        self.assertEqual(one.returncode, 0)
        self.assertRegex(one.stdout, r"^131026 +\S.*\n +tidings: .+\n +you: +.+\n$")
        self.assertRegex(tidings("errors", "1").stdout,
                         r"tried once more.*\n +With a 5xx status or is_transient: .* is unknown")
        self.assertEqual(json.loads(tidings("errors", "1", "--json").stdout)["action_5xx"],
                         "unknown")
        self.assertGreater(len(tidings("errors").stdout.splitlines()), 60)
        for line in tidings("errors", "--json").stdout.splitlines():
            self.assertLessEqual({"v", "code", "action", "title", "hint"}, set(json.loads(line)))
        self.assertIn("not in the table", tidings("errors", "99999").stdout)
        other = json.loads(tidings("errors", "999999", "--json").stdout)
        self.assertEqual((other["v"], other["code"], other["in_table"]), (1, 999999, False))
        self.assertIn("tidings retry", other["hint"])
        self.assertIs(json.loads(tidings("errors", "131026", "--json").stdout)["in_table"], True)


if __name__ == "__main__":
    unittest.main()
