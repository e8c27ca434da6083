# SPDX-License-Identifier: MIT
"""What `tidings run` does and tells when Redis is there and refuses."""
import json
import unittest

from harness import wait_until
from redis_server import RedisServer
from test_daemon import Daemon

HIGH = "tidings:send:high"


class Refused(Daemon):
    def begin(self):
        self.install(settings={"admin.listen": "127.0.0.1:0"})
        self.daemon = self.run_daemon()
        self.url = self.address(self.daemon)

    def redis_now(self):
        return json.loads(self.get(self.url + "/api/status")[1])["redis"]

    def is_connected(self, value):
        return f"\ntidings_redis_connected {value}\n" in self.get(self.url + "/metrics")[1]

    def wait_for_state(self, state):
        wait_until(lambda: self.redis_now()["state"] == state, f"redis.state {state}")

    def wait_until_no_error(self):
        wait_until(lambda: self.redis_now()["error"] == "", "the end of the error")

    def refuse(self, *acl):
        self.wire("ACL", "SETUSER", "default", *acl)

    def test_the_right_to_read_is_taken_away(self):
        self.begin()
        self.refuse("-xreadgroup")
        self.wait_for_state("refused")
        self.assertEqual(self.get(self.url + "/readyz"), (503, "redis down"))
        self.assertTrue(self.is_connected(0))
        self.assertIn("NOPERM", self.redis_now()["error"])
        self.assertIn("NOPERM", self.installation.run("status").out)
        self.refuse("+xreadgroup")
        self.wait_for_state("reading")
        self.wait_until_no_error()
        self.assertTrue(self.is_connected(1))
        self.assertEqual(self.get(self.url + "/readyz")[0], 200)
        self.add(1)
        self.wait_for_results(1)
        self.stop(self.daemon)

    def test_acknowledging_refused_is_seen_too(self):
        self.begin()
        self.refuse("-xack")
        self.add(1)
        wait_until(lambda: self.is_connected(0), "tidings_redis_connected 0")
        self.assertEqual(self.redis_now()["state"], "reading")
        self.refuse("+xack")
        self.wait_until_acked()
        wait_until(lambda: self.is_connected(1), "tidings_redis_connected 1")
        self.stop(self.daemon)

    def test_a_lane_that_is_no_stream(self):
        self.begin()
        self.wire("SET", HIGH, "oops")
        self.daemon.wait_for(f"reading stops: {HIGH}: WRONGTYPE")
        self.add(1)
        self.wait_for_results(1)
        self.assertEqual(self.redis_now()["state"], "refused")
        self.wire("DEL", HIGH)
        self.wait_for_state("reading")
        self.wait_until_no_error()
        self.assertGreater(self.redis_now()["groups_lost"], 0)
        self.add(2, stream=HIGH)
        self.wait_for_results(2)
        self.stop(self.daemon)

    def test_a_dead_stream_that_is_none(self):
        self.begin()
        self.wire("SET", "tidings:dead", "oops")
        self.add(1, to="nobody")
        self.daemon.wait_for("publishing stops: tidings:dead: WRONGTYPE")
        for i in range(2, 5):
            self.add(i)
            self.wait_for_results(i - 1)
        self.assertNotIn("answers again", self.daemon.err())
        self.wire("DEL", "tidings:dead")
        self.wait_for_results(1, "dead")
        self.wait_until_acked()
        self.stop(self.daemon)

    def test_claimed_when_it_was_deleted(self):
        self.install(settings={"redis.claim": "true", "redis.claim_idle_ms": "1000"})
        self.wire("XGROUP", "CREATE", "tidings:send", "tidings", "0", "MKSTREAM")
        ids = [self.add(i) for i in range(3)]
        self.wire("XREADGROUP", "GROUP", "tidings", "alien", "STREAMS", "tidings:send", ">")
        self.wire("XDEL", "tidings:send", ids[2])
        daemon = self.run_daemon()
        daemon.wait_for(f"ERROR Entry tidings:send/{ids[2]} was trimmed or deleted")
        self.assertEqual({r["state"] for r in self.wait_for_results(2)}, {"unknown"})
        self.wait_until_acked()
        self.stop(daemon)

    def begin_with(self, *rights):
        self.install()
        self.wire("ACL", "SETUSER", "default", *rights)
        return self.start(self.installation, "run")

    def test_a_right_that_it_needs_is_missing_at_the_start(self):
        daemon = self.begin_with("-xack", "-xinfo")
        self.assert_code(daemon.finish(), 77)
        self.assertRegex(daemon.err(), rf"Redis 127\.0\.0\.1:{self.redis.port}: the user in redis\.url "
                         r"may not use xack, xinfo\|groups, xinfo\|stream; conf/redis\.acl")
        self.wire("ACL", "SETUSER", "default", "+@all")
        self.assertEqual(self.wire("KEYS", "*"), [])

    def test_a_key_that_it_needs_is_not_allowed_at_the_start(self):
        daemon = self.begin_with("resetkeys", "~tidings:send*")
        self.assert_code(daemon.finish(), 77)
        self.assertIn("may not use xadd (tidings:result), xadd (tidings:status), "
                      "xadd (tidings:dead);", daemon.err())

    def test_what_it_can_do_without_is_said_at_the_start(self):
        daemon = self.begin_with("-xtrim", "-xclaim")
        daemon.wait_for("state=running")
        daemon.wait_for("WARN Redis 127.0.0.1")
        self.assertIn("may not use xclaim, xtrim;", daemon.err())
        self.add(1)
        self.assertEqual(self.wait_for_results(1)[0]["state"], "accepted")
        self.stop(daemon)

    def test_rights_are_asked_for_when_redis_comes_later(self):
        self.install()
        self.redis.stop()
        daemon = self.start(self.installation, "run")
        daemon.wait_for("Redis is not reached")
        again = RedisServer("--user", "default", "on", "nopass", "~*", "+@all", "-xadd",
                            port=self.redis.port)
        self.addCleanup(again.stop)
        self.assert_code(daemon.finish(), 77)
        self.assertIn("may not use xadd;", daemon.err())


if __name__ == "__main__":
    unittest.main()
