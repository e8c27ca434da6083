# SPDX-License-Identifier: MIT
"""The Django side of docs/django.md: its two examples with real Django models and real redis-py
against a real Redis; the last class with the daemon between them."""
import json
import signal
import sys
import unittest
from unittest import mock

import debian_python

debian_python.need("redis", "django")

import redis

import harness
from redis_server import RedisServer

sys.path.insert(0, str(harness.ROOT / "docs" / "examples"))
import django_site
import django_consumer
import django_producer
from django_site import NotificationLog, StreamPlace

COUNT = 2500  # more than two lots of the examples


def notification(i):
    return NotificationLog(
        message_id=f"result:7:{i}", phone=harness.number(i), educator_name=f"Educator {i}",
        test_name="Physics", dashboard_url=f"https://exam.example/r/{i}",
        class_id=f"C{i % 3}", test_num="7")


class DjangoTest(harness.EndToEnd):
    def setUp(self):
        self.redis = RedisServer()
        self.addCleanup(self.redis.stop)
        self.server = redis.Redis.from_url(self.redis.url, decode_responses=True)
        self.addCleanup(self.server.close)
        django_site.make_tables()
        self.addCleanup(django_site.drop_tables)

    def have_notifications(self, count):
        NotificationLog.objects.bulk_create([notification(i) for i in range(count)])
        return NotificationLog.objects.order_by("pk")

    def add_result(self, i, state, at, server=None, **more):
        fields = {"id": f"result:7:{i}", "ref": "", "to": harness.number(i), "class_id": "C1",
                  "test_num": "7", "broadcast": "", "state": state, "reason": "", "wamid": "",
                  "code": "", "error": "", "attempts": 1, "at": at}
        (server or self.server).xadd("tidings:result", {**fields, **more})

    def take(self):
        return django_consumer.take_results(self.server, NotificationLog, StreamPlace, wait_ms=0)

    def take_all(self):
        taken = 0
        while n := self.take():
            taken += n
        return taken

    def row(self, i):
        return NotificationLog.objects.get(message_id=f"result:7:{i}")


class Producer(DjangoTest):
    def test_one_entry_a_notification(self):
        rows = self.have_notifications(COUNT)
        django_producer.send_notifications(self.server, rows.iterator())
        entries = self.server.xrange("tidings:send")
        self.assertEqual(len(entries), COUNT)
        self.assertEqual(entries[0][1], {
            "id": "result:7:0", "to": harness.number(0), "class_id": "C0", "test_num": "7",
            "params": json.dumps(["Educator 0", "Physics", "https://exam.example/r/0"]),
            "ref": str(rows[0].pk)})
        self.assertEqual(len({fields["id"] for _, fields in entries}), COUNT)

    def test_run_again_it_gives_the_same_ids(self):
        rows = self.have_notifications(3)
        for _ in range(2):
            django_producer.send_notifications(self.server, rows)
        ids = [fields["id"] for _, fields in self.server.xrange("tidings:send")]
        self.assertEqual(ids[:3], ids[3:])

    def test_it_says_when_redis_refuses(self):
        rows = self.have_notifications(3)
        self.server.set("tidings:send", "is no stream")
        with self.assertRaises(redis.ResponseError):
            django_producer.send_notifications(self.server, rows)


class Consumer(DjangoTest):
    def test_in_bulk(self):
        self.have_notifications(COUNT)
        pipe = self.server.pipeline(transaction=False)
        for i in range(COUNT):
            self.add_result(i, "accepted", 1000 + i, pipe, wamid=f"wamid.{i}")
        pipe.execute()
        self.assertEqual(self.take_all(), COUNT)
        self.assertEqual(NotificationLog.objects.filter(sent=True, state="accepted").count(),
                         COUNT)
        self.assertEqual(self.row(17).wamid, "wamid.17")
        self.assertEqual(self.take(), 0)

    def test_the_highest_at_holds_in_any_order(self):
        self.have_notifications(3)
        for i in (0, 1):
            self.add_result(i, "accepted", 2000, wamid="wamid.new")
        self.add_result(0, "failed", 1000, code=131026)  # in the same lot
        self.take()
        self.add_result(1, "failed", 1000, code=131026)  # in a later one
        self.add_result(2, "failed", 1000, code=131026, error="Message undeliverable")
        self.take()
        self.add_result(2, "accepted", 3000, wamid="wamid.new")
        self.assertEqual([self.row(i).sent for i in range(3)], [True, True, False])
        self.assertEqual((self.row(2).code, self.row(2).error),
                         ("131026", "Message undeliverable"))
        self.take()
        self.assertEqual([self.row(i).wamid for i in range(3)], ["wamid.new"] * 3)
        self.assertEqual(self.row(2).error, "")

    def test_only_accepted_is_sent(self):
        self.have_notifications(4)
        for i, state in enumerate(("accepted", "failed", "unknown", "skipped")):
            self.add_result(i, state, 1000)
        self.take()
        self.assertEqual([self.row(i).sent for i in range(4)], [True, False, False, False])

    def test_messages_of_others_are_passed_over(self):
        self.have_notifications(1)
        self.add_result(99, "accepted", 1000)
        self.add_result(0, "accepted", 1000)
        self.assertEqual(self.take(), 2)
        self.assertTrue(self.row(0).sent)

    def test_a_crash_in_the_middle_takes_it_again(self):
        self.have_notifications(1)
        self.add_result(0, "accepted", 1000)
        with mock.patch.object(django_consumer, "change", side_effect=RuntimeError):
            with self.assertRaises(RuntimeError):
                self.take()
        self.assertFalse(self.row(0).sent)
        self.assertEqual(self.take(), 1)
        self.assertTrue(self.row(0).sent)

    def test_a_second_consumer_does_no_harm(self):
        self.have_notifications(2)
        self.add_result(0, "accepted", 1000)
        self.take()
        stale = self.server.xread

        def slow(*arguments, **more):  # another one takes the lot before we do
            answer = stale(*arguments, **more)
            StreamPlace.objects.update(last_id=answer[0][1][-1][0])
            return answer

        self.add_result(1, "accepted", 1000)
        with mock.patch.object(self.server, "xread", slow):
            self.assertEqual(self.take(), 0)


class WithTheDaemon(DjangoTest):
    """Producer, `tidings run`, consumer: the whole way of a result."""

    def setUp(self):
        super().setUp()
        self.graph = self.mock("--fault", f"code=131026@to{harness.number(7)}")
        self.tidings = self.box(self.graph, {"redis.url": self.redis.url, "admin.listen": "off"})

    def is_read(self, entries):
        """So many entries were read, and all are acknowledged."""
        groups = self.server.xinfo_groups("tidings:send")
        return groups and groups[0]["entries-read"] == entries and groups[0]["pending"] == 0

    def run_until_read(self, entries):
        """Then every result is on the stream: a result goes before its acknowledgement."""
        daemon = self.start(self.tidings, "run")
        harness.wait_until(lambda: daemon.has_ended() or self.is_read(entries), "the stream's end")
        daemon.signal(signal.SIGTERM)
        self.assert_code(daemon.finish(), 0)
        self.take_all()

    def test_every_notification_is_brought_up_to_date(self):
        rows = self.have_notifications(COUNT)
        django_producer.send_notifications(self.server, rows.iterator())
        self.run_until_read(COUNT)
        self.assert_never_twice(self.graph)
        self.assertEqual(NotificationLog.objects.filter(sent=True).count(), COUNT - 1)
        self.assertEqual(NotificationLog.objects.exclude(wamid="").count(), COUNT - 1)
        self.assertEqual((self.row(7).state, self.row(7).code), ("failed", "131026"))
        logged = {row["id"]: row for row in self.tidings.log()}
        for row in NotificationLog.objects.all():
            self.assertEqual(logged[row.message_id]["state"], row.state)
            self.assertEqual(logged[row.message_id]["ref"], str(row.pk))

    def test_a_producer_that_runs_twice_sends_once(self):
        rows = self.have_notifications(50)
        for _ in range(2):
            django_producer.send_notifications(self.server, rows)
        self.run_until_read(100)
        self.assertEqual(self.graph.stats()["accepted"], 49)
        self.assert_never_twice(self.graph)
        self.assertEqual(NotificationLog.objects.filter(sent=True).count(), 49)


if __name__ == "__main__":
    unittest.main()
