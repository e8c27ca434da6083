# SPDX-License-Identifier: MIT
"""A box whose daemon can run: a Redis of its own, and `tidings run`."""
import signal

from harness import EndToEnd
from redis_server import RedisServer


class WithDaemon(EndToEnd):
    def daemon_box(self, mock, settings=None):
        redis = RedisServer()
        self.addCleanup(redis.stop)
        more = {"redis.url": redis.url, "admin.listen": "off"}
        return self.box(mock, dict(more, **(settings or {})))

    def start_daemon(self, box):
        daemon = self.start(box, "run")
        daemon.wait_for("state=running")
        return daemon

    def stop_daemon(self, daemon):
        daemon.signal(signal.SIGTERM)
        result = daemon.finish()
        self.assert_code(result, 0)
        return result
