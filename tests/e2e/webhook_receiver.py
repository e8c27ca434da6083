# SPDX-License-Identifier: MIT
"""A receiver of webhooks that believes nothing unsigned, for the tests of the mock's."""
import hashlib
import hmac
import http.server
import json
import threading

SECRET = b"test_app_secret"


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # head and body are two writes

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        status = self.server.receiver.take(self.headers, body)
        if status is None:  # no answer at all
            self.close_connection = True
            return
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


class Receiver:
    """`answer(n)` gives the status for the n-th signed body, from 1; None cuts the connection."""

    def __init__(self, answer=lambda n: 200, secret=SECRET):
        self.answer, self.secret = answer, secret
        self.lock = threading.Lock()
        self.bodies = []   # signed ones, parsed
        self.raw = []
        self.refused = 0   # wrong or no signature
        self.taken = []    # bodies that were answered with 200
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.server.receiver = self
        self.url = f"http://127.0.0.1:{self.server.server_port}/webhook"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.02,))
        self.thread.start()

    def is_signed(self, headers, body):
        right = "sha256=" + hmac.new(self.secret, body, hashlib.sha256).hexdigest()
        return hmac.compare_digest(headers.get("X-Hub-Signature-256", ""), right)

    def take(self, headers, body):
        with self.lock:
            if not self.is_signed(headers, body):
                self.refused += 1
                return 401
            self.raw.append(body)
            self.bodies.append(json.loads(body))
            status = self.answer(len(self.bodies))
            if status == 200:
                self.taken.append(self.bodies[-1])
            return status

    def statuses(self):
        """[(WABA id, phone id, status)] of what was taken, in order."""
        with self.lock:
            return [(entry["id"], change["value"]["metadata"]["phone_number_id"], status)
                    for body in self.taken for entry in body["entry"]
                    for change in entry["changes"] for status in change["value"]["statuses"]]

    def stop(self):
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()
