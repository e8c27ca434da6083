# SPDX-License-Identifier: MIT
"""An HTTP server that means no good. `answer(write, n)` is called for the n-th request, from 1,
with a function that sends bytes until the client has had enough (then it raises OSError)."""
import socket
import threading


class HostileServer:
    def __init__(self, answer, context=None):
        self.answer, self.context = answer, context
        self.requests = []      # head of each, as text
        self.connections = 0
        self.bytes = 0          # sent
        self.lock = threading.Lock()
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port = self.listener.getsockname()[1]
        self.url = f"{'https' if context else 'http'}://127.0.0.1:{self.port}"
        self.clients = set()
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def serve(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            with self.lock:
                self.connections += 1
                self.clients.add(client)
            threading.Thread(target=self.talk, args=(client,), daemon=True).start()

    def talk(self, client):
        try:
            with client:
                if self.context:
                    with self.context.wrap_socket(client, server_side=True) as secure:
                        self.converse(secure)
                else:
                    self.converse(client)
        except OSError:  # ssl.SSLError is one
            pass

    def converse(self, client):
        while self.read_request(client):
            self.answer(lambda data: self.write(client, data), len(self.requests))

    def read_request(self, client):
        data = b""
        while b"\r\n\r\n" not in data:
            piece = client.recv(65536)
            if not piece:
                return False
            data += piece
        head, _, body = data.partition(b"\r\n\r\n")
        length = next((int(line.split(b":")[1]) for line in head.split(b"\r\n")
                       if line.lower().startswith(b"content-length:")), 0)
        while len(body) < length:
            body += client.recv(65536)
        with self.lock:
            self.requests.append(head.decode("latin-1"))
        return True

    def write(self, client, data):
        client.sendall(data)
        with self.lock:
            self.bytes += len(data)

    def stop(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.thread.join()
        with self.lock:
            for client in self.clients:
                try:
                    client.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass
