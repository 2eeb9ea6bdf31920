"""A proxy that adds a delay each way and counts: connections, and round trips as the client sees them."""

from __future__ import annotations

import socket
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

_CHUNK = 1 << 20
_TERMINATE = b"X"


@dataclass
class Counts:
    """What went through the proxy since it was last cleared; saying good-bye is no round trip."""

    connections: int = 0
    trips: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def clear(self) -> None:
        """Begin to count anew."""
        self.connections = self.trips = 0


@contextmanager
def proxy(host: str, port: int, delay: float) -> Iterator[tuple[int, Counts]]:
    """Listen on a free port of the loopback for a server; `delay` is in seconds, each way."""
    counts = Counts()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=_accept, args=(listener, (host, port), delay, counts), daemon=True).start()
        yield listener.getsockname()[1], counts


def _accept(listener: socket.socket, server: tuple[str, int], delay: float, counts: Counts) -> None:
    with suppress(OSError):
        while True:
            client, _ = listener.accept()
            counts.connections += 1
            upstream = socket.create_connection(server) if server[1] else _unix(server[0])
            for end in (client, upstream):
                if end.family == socket.AF_INET:
                    end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            state = _Conversation(counts)
            for source, sink, is_client in ((client, upstream, True), (upstream, client, False)):
                _Pipe(source, sink, delay, state, is_client=is_client).start()


def _unix(path: str) -> socket.socket:
    connection = socket.socket(socket.AF_UNIX)
    connection.connect(path)
    return connection


@dataclass
class _Conversation:
    counts: Counts
    server_spoke: bool = True

    def client_says(self, data: bytes) -> None:
        with self.counts.lock:
            if self.server_spoke and data[:1] != _TERMINATE:
                self.counts.trips += 1
            self.server_spoke = False

    def server_says(self) -> None:
        self.server_spoke = True


class _Pipe:
    """One direction of a connection: what comes in goes out after the delay, however much is under way."""

    def __init__(
        self, source: socket.socket, sink: socket.socket, delay: float, state: _Conversation, *, is_client: bool
    ) -> None:
        self.source, self.sink, self.delay, self.state, self.is_client = source, sink, delay, state, is_client
        self.under_way: deque[tuple[float, bytes]] = deque()
        self.arrived = threading.Semaphore(0)

    def start(self) -> None:
        for run in (self.receive, self.send):
            threading.Thread(target=run, daemon=True).start()

    def receive(self) -> None:
        data = b"."
        while data:
            try:
                data = self.source.recv(_CHUNK)
            except OSError:
                data = b""
            if data and self.is_client:
                self.state.client_says(data)
            elif data:
                self.state.server_says()
            self.under_way.append((time.monotonic() + self.delay, data))
            self.arrived.release()

    def send(self) -> None:
        while True:
            self.arrived.acquire()
            due, data = self.under_way.popleft()
            time.sleep(max(due - time.monotonic(), 0))
            with suppress(OSError):
                if not data:
                    self.sink.shutdown(socket.SHUT_WR)
                    return
                self.sink.sendall(data)
