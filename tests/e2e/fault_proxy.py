# SPDX-License-Identifier: MIT
"""A TCP proxy that does to connections what networks do. One thread, one selector; the test changes
`proxy.up` and `proxy.down` (the two directions: towards the server, back to the client) at any
time, for connections that live, too.

    proxy = FaultProxy(redis.port)
    proxy.down.set(latency=0.2)      # everything comes back 200 ms later
    proxy.up.set(swallow=True)       # half open: bytes go nowhere, the connection stays
    proxy.down.set(reset_after=100)  # a TCP reset behind the 100th byte of a connection
    proxy.down.set(limit=100)        # a proper end there
    proxy.up.set(dribble=0.001)      # byte by byte, with that pause
    proxy.refuse(); proxy.listen()   # nobody is there; somebody is again
    proxy.reset_all()                # every connection, now
    proxy.heal()                     # nothing is wrong any more (but what is lost stays lost)
"""
import collections
import heapq
import itertools
import selectors
import socket
import struct
import threading
import time

WAITING_MAX = 1 << 20  # bytes that wait for one side; then nothing more is read for it


class Toxics:
    """What befalls one direction."""

    def __init__(self):
        self.set()

    def set(self, latency=0, swallow=False, reset_after=None, limit=None, dribble=None):
        self.latency, self.swallow, self.dribble = latency, swallow, dribble
        self.reset_after, self.limit = reset_after, limit


class Side:
    """One end of a connection: what is read here goes to `other`."""

    def __init__(self, sock, toxics):
        self.sock, self.toxics = sock, toxics
        self.other = None
        self.read = 0                     # bytes read here so far
        self.out = collections.deque()    # [due, bytes]; b"" is the end
        self.waiting = 0
        self.ended = False                # the peer sends nothing more
        self.closed = False


class FaultProxy:
    def __init__(self, port, host="127.0.0.1"):
        self.target = (host, port)
        self.up, self.down = Toxics(), Toxics()
        self.connections = 0
        self.writes = 0                   # pieces passed on
        self.selector = selectors.DefaultSelector()
        self.sides = set()
        self.due = []                     # heap of (time, number, side)
        self.number = itertools.count()
        self.orders = collections.deque()
        self.wake_in, self.wake_out = socket.socketpair()
        self.wake_out.setblocking(False)
        self.selector.register(self.wake_out, selectors.EVENT_READ, self.on_wake)
        self.listener = None
        self.port = 0
        self.open_listener()
        self.running = True
        self.thread = threading.Thread(target=self.loop, daemon=True)
        self.thread.start()

    # ---- For the test.

    def heal(self):
        self.up.set()
        self.down.set()

    def refuse(self):
        """Nobody listens, and nobody is connected, when this returns."""
        self.order(lambda: (self.close_listener(), self.close_all(True)))

    def listen(self):
        self.order(self.open_listener)

    def reset_all(self):
        self.order(lambda: self.close_all(True))

    def close(self):
        def end():
            self.running = False
        self.order(end)
        self.thread.join()
        self.close_listener()
        self.close_all(False)
        self.selector.close()
        self.wake_in.close()
        self.wake_out.close()

    # ---- The loop's own.

    def order(self, action):
        done = threading.Event()
        self.orders.append((action, done))
        self.wake_in.send(b"x")
        done.wait(30)

    def on_wake(self, _):
        self.wake_out.recv(4096)
        while self.orders:
            action, done = self.orders.popleft()
            action()
            done.set()

    def open_listener(self):
        if self.listener:
            return
        self.listener = socket.socket()
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind(("127.0.0.1", self.port))
        self.listener.listen(128)
        self.port = self.listener.getsockname()[1]
        self.selector.register(self.listener, selectors.EVENT_READ, self.on_client)

    def close_listener(self):
        if self.listener:
            self.selector.unregister(self.listener)
            self.listener.close()
            self.listener = None

    def close_all(self, reset):
        for side in list(self.sides):
            self.close_side(side, reset)

    def loop(self):
        while self.running:
            wait = max(0, self.due[0][0] - time.monotonic()) if self.due else None
            for key, mask in self.selector.select(wait):
                if isinstance(key.data, Side):
                    self.on_side(key.data, mask)
                else:
                    key.data(mask)
            self.on_time()

    def on_time(self):
        while self.due and self.due[0][0] <= time.monotonic():
            side = heapq.heappop(self.due)[2]
            if not side.closed:
                self.write(side)

    def on_client(self, _):
        client, _ = self.listener.accept()
        self.connections += 1
        try:
            server = socket.create_connection(self.target, 5)
        except OSError:
            self.close_socket(client, True)
            return
        one, other = Side(client, self.up), Side(server, self.down)
        one.other, other.other = other, one
        for side in (one, other):
            side.sock.setblocking(False)
            side.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.sides.add(side)
            self.selector.register(side.sock, selectors.EVENT_READ, side)

    def on_side(self, side, mask):
        if mask & selectors.EVENT_WRITE and not side.closed:
            self.write(side)
        if mask & selectors.EVENT_READ and not side.closed:
            self.read(side)

    def read(self, side):
        try:
            data = side.sock.recv(65536)
        except BlockingIOError:
            return
        except OSError:
            self.close_pair(side, True)
            return
        toxics, before = side.toxics, side.read
        side.read += len(data)
        if not data:
            side.ended = True
        if toxics.swallow:
            data = None
        elif toxics.reset_after is not None and side.read >= toxics.reset_after:
            self.end_pair(side, data[:max(0, toxics.reset_after - before)], True)
            return
        elif toxics.limit is not None and side.read >= toxics.limit:
            self.end_pair(side, data[:max(0, toxics.limit - before)], False)
            return
        if data is not None:
            self.forward(side.other, data, toxics)
        self.watch(side)

    def end_pair(self, side, last, reset):
        """What may still pass is written, then both ends go."""
        if last:
            self.forward(side.other, last, Toxics())
        self.close_pair(side, reset)

    def forward(self, to, data, toxics):
        due = time.monotonic() + toxics.latency
        pieces = [data]
        if toxics.dribble is not None and data:
            pieces = [data[i:i + 1] for i in range(len(data))]
        for i, piece in enumerate(pieces):
            at = max(due + i * (toxics.dribble or 0), to.out[-1][0] if to.out else 0)
            to.out.append([at, piece])
            to.waiting += len(piece)
        self.write(to)

    def write(self, side):
        try:
            while side.out and side.out[0][0] <= time.monotonic():
                piece = side.out[0][1]
                if not piece:
                    side.sock.shutdown(socket.SHUT_WR)
                    sent = 0
                else:
                    sent = side.sock.send(piece)
                    self.writes += 1
                side.waiting -= sent
                if sent < len(piece):
                    side.out[0][1] = piece[sent:]
                    break
                side.out.popleft()
        except BlockingIOError:
            pass
        except OSError:
            self.close_pair(side, True)
            return
        if side.out and side.out[0][0] > time.monotonic():
            heapq.heappush(self.due, (side.out[0][0], next(self.number), side))
        self.watch(side)
        self.watch(side.other)
        if side.ended and side.other.ended and not side.out and not side.other.out:
            self.close_pair(side, False)

    def watch(self, side):
        if side.closed:
            return
        wanted = 0
        if not side.ended and side.other.waiting < WAITING_MAX:
            wanted |= selectors.EVENT_READ
        if side.out and side.out[0][0] <= time.monotonic():
            wanted |= selectors.EVENT_WRITE
        known = self.selector.get_map().get(side.sock)
        if known and not wanted:
            self.selector.unregister(side.sock)
        elif wanted and not known:
            self.selector.register(side.sock, wanted, side)
        elif wanted and known.events != wanted:
            self.selector.modify(side.sock, wanted, side)

    def close_pair(self, side, reset):
        self.close_side(side, reset)
        self.close_side(side.other, reset)

    def close_side(self, side, reset):
        if side.closed:
            return
        side.closed = True
        self.sides.discard(side)
        if self.selector.get_map().get(side.sock):
            self.selector.unregister(side.sock)
        self.close_socket(side.sock, reset)

    def close_socket(self, sock, reset):
        if reset:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        sock.close()
