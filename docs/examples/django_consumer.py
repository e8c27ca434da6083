# SPDX-License-Identifier: MIT
"""Brings NotificationLog up to date from tidings:result, in bulk.

The place in the stream is a row of the same database, moved in the same transaction as the
notifications: after a crash anywhere nothing is missed, and nothing is taken twice. An id may come
more than once; the entry with the highest `at` holds.
"""
from django.db import transaction

LOT = 1000  # entries a transaction
FIELDS = ("sent", "state", "reason", "wamid", "code", "error", "at")


def newest(entries):
    """{id: fields}: of each message the entry that holds."""
    rows = {}
    for _, fields in entries:
        known = rows.get(fields["id"])
        if known is None or int(fields["at"]) >= int(known["at"]):
            rows[fields["id"]] = fields
    return rows


def change(row, result):
    """Whether the result is news for the row, which then has it."""
    if int(result["at"]) < row.at:
        return False
    row.sent = result["state"] == "accepted"
    row.at = int(result["at"])
    for name in ("state", "reason", "wamid", "code", "error"):
        setattr(row, name, result.get(name, ""))
    return True


def take_results(server, notification_log, stream_place, stream="tidings:result", wait_ms=5000):
    """Waits up to `wait_ms` for entries and takes at most LOT of them; how many it took.

    `server`: redis.Redis with decode_responses; then the two models. Call it in a loop.
    """
    place, _ = stream_place.objects.get_or_create(stream=stream, defaults={"last_id": "0-0"})
    answer = server.xread({stream: place.last_id}, count=LOT, block=wait_ms or None)
    if not answer:
        return 0
    entries = answer[0][1]
    results = newest(entries)
    with transaction.atomic():
        # Moved from where we read, or not at all: a second consumer does no harm.
        if not stream_place.objects.filter(stream=stream, last_id=place.last_id).update(
                last_id=entries[-1][0]):
            return 0
        rows = notification_log.objects.filter(message_id__in=list(results))
        changed = [row for row in rows if change(row, results[row.message_id])]
        notification_log.objects.bulk_update(changed, FIELDS, batch_size=100)
    return len(entries)
