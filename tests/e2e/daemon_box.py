# SPDX-License-Identifier: MIT
"""A box whose daemon can run: a Redis of its own, and `tidings run`."""
import signal

from harness import EndToEnd, wait_until
from redis_server import RedisServer, Wire


def fields(entry):
    """The second half of what XRANGE says of an entry, as a dictionary."""
    return dict(zip(entry[1][::2], entry[1][1::2]))


class WithDaemon(EndToEnd):
    def daemon_box(self, mock, settings=None):
        redis = RedisServer()
        self.addCleanup(redis.stop)
        more = {"redis.url": redis.url, "admin.listen": "off"}
        return self.box(mock, dict(more, **(settings or {})))

    def wire_of(self, box):
        """A connection to the box's Redis."""
        wire = Wire(int(box.settings["redis.url"].split(":")[-1].split("/")[0]))
        self.addCleanup(wire.close)
        return wire

    def entries(self, wire, stream, count):
        """Of a stream, once it has that many."""
        wait_until(lambda: wire("XLEN", stream) >= count, f"{count} entries in {stream}")
        return [fields(entry) for entry in wire("XRANGE", stream, "-", "+")]

    def start_daemon(self, box):
        daemon = self.start(box, "run")
        daemon.wait_for("state=running")
        return daemon

    def stop_daemon(self, daemon):
        daemon.signal(signal.SIGTERM)
        result = daemon.finish()
        self.assert_code(result, 0)
        return result
