# SPDX-License-Identifier: MIT
"""Puts one message a notification on tidings' stream.

The id is the same however often this runs for the same result, so it may run again after any
failure: what tidings knows is not sent again.
"""
import itertools
import json

LOT = 1000  # entries a round trip


def send_notifications(server, notifications, stream="tidings:send"):
    """`server`: redis.Redis; `notifications`: any iterable of NotificationLog."""
    rows = iter(notifications)
    while lot := list(itertools.islice(rows, LOT)):
        pipe = server.pipeline(transaction=False)
        for row in lot:
            params = [row.educator_name, row.test_name, row.dashboard_url]
            pipe.xadd(stream, {"id": row.message_id, "to": row.phone, "params": json.dumps(params),
                               "class_id": row.class_id, "test_num": row.test_num, "ref": row.pk})
        pipe.execute()  # raises when Redis refused one: run it again
