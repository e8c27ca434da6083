# SPDX-License-Identifier: MIT
"""The smallest Django project that has notifications: the models of docs/django.md, in a database
in memory."""
import django
from django.conf import settings
from django.db import connection, models

settings.configure(
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField", INSTALLED_APPS=[], USE_TZ=True)
django.setup()


class NotificationLog(models.Model):
    message_id = models.CharField(max_length=128, unique=True)
    phone = models.CharField(max_length=20)
    educator_name = models.CharField(max_length=200)
    test_name = models.CharField(max_length=200)
    dashboard_url = models.CharField(max_length=500)
    class_id = models.CharField(max_length=50)
    test_num = models.CharField(max_length=50)
    sent = models.BooleanField(default=False)
    state = models.CharField(max_length=10, default="")
    reason = models.CharField(max_length=50, default="")
    wamid = models.CharField(max_length=200, default="")
    code = models.CharField(max_length=20, default="")
    error = models.TextField(default="")
    at = models.BigIntegerField(default=0)  # of the outcome; Unix milliseconds

    class Meta:
        app_label = "results"


class StreamPlace(models.Model):
    stream = models.CharField(max_length=200, primary_key=True)
    last_id = models.CharField(max_length=50)

    class Meta:
        app_label = "results"


def make_tables():
    with connection.schema_editor() as editor:
        for model in (NotificationLog, StreamPlace):
            editor.create_model(model)


def drop_tables():
    with connection.schema_editor() as editor:
        for model in (NotificationLog, StreamPlace):
            editor.delete_model(model)
