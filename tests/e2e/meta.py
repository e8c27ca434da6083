# SPDX-License-Identifier: MIT
"""Meta's side of the webhooks, by hand: bodies as a test wants them, signed; and boxes that
receive them."""
import contextlib
import hashlib
import hmac
import http.client
import json
import urllib.parse

from daemon_box import WithDaemon
from harness import PHONE_ID, WAIT_S, WABA_ID, free_port

SECRET = "test_app_secret"
VERIFY = "test verify token & more"


def status(kind, wamid, opaque=None, code=None, at_s=1790000000, to="919800000001"):
    facts = {"id": wamid, "status": kind, "timestamp": str(at_s), "recipient_id": to}
    if opaque is not None:
        facts["biz_opaque_callback_data"] = opaque
    if code:
        facts["errors"] = [{"code": code, "title": f"title of {code}", "message": "m",
                            "error_data": {"details": "details"}}]
    return facts


def body_of(statuses, **more):
    value = {"messaging_product": "whatsapp", "statuses": statuses,
             "metadata": {"display_phone_number": "15550783881", "phone_number_id": PHONE_ID}}
    entry = {"id": WABA_ID, "changes": [{"field": "messages", "value": value}]}
    return json.dumps(dict({"object": "whatsapp_business_account", "entry": [entry]}, **more),
                      separators=(",", ":")).encode()


class Meta:
    def __init__(self, port, secret=SECRET):
        self.port, self.secret = port, secret

    def call(self, method, path, body=None, headers=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=WAIT_S)
        try:
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # too large: 413
                connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()

    def post(self, body, signature=None):
        right = "sha256=" + hmac.new(self.secret.encode(), body, hashlib.sha256).hexdigest()
        headers = {"Content-Type": "application/json",
                   "X-Hub-Signature-256": right if signature is None else signature}
        return self.call("POST", "/webhook", body, headers)[0]

    def tell(self, *statuses):
        return self.post(body_of(list(statuses)))

    def shake_hands(self, token=VERIFY, mode="subscribe", challenge="1158201444"):
        query = urllib.parse.urlencode({"hub.mode": mode, "hub.verify_token": token,
                                        "hub.challenge": challenge})
        return self.call("GET", "/webhook?" + query)


class WithWebhooks(WithDaemon):
    """Boxes whose webhook port is known before anything runs."""

    def setUp(self):
        self.port = free_port()
        self.meta = Meta(self.port)

    def webhook_settings(self, folder, secrets=(SECRET,)):
        for name, text in (("secret", "\n".join(secrets)), ("verify", VERIFY)):
            path = folder / name
            path.touch(0o600)
            path.write_text(text + "\n")
        return {"webhook.listen": f"127.0.0.1:{self.port}",
                "webhook.app_secret_file": folder / "secret",
                "webhook.verify_token_file": folder / "verify"}

    def receiving_box(self, mock, settings=None, secrets=(SECRET,)):
        box = self.daemon_box(mock, settings)
        box.set(self.webhook_settings(box.folder, secrets))
        return box

    def telling_mock(self, *flags, **kwargs):
        """A mock that posts what becomes of messages to the port."""
        box = self.box(seal=False)  # a folder
        secret = box.folder / "secret"
        secret.write_text(SECRET + "\n")
        return self.mock("--webhook", f"http://127.0.0.1:{self.port}/webhook", "--app-secret",
                         secret, "--webhook-delay", "1-20", *flags, **kwargs)

    def count(self, box, state):
        result = box.run("log", "--count", "--state", state)
        self.assert_code(result, 0)
        return int(result.out)
