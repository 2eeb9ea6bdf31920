"""A proxy between clients and a server: it writes down what is sent, counts round trips, and may step in at one."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

import psycopg
from psycopg.conninfo import make_conninfo

PLAIN = {"sslmode": "disable", "gssencmode": "disable"}
CUT_BEFORE, CUT_AFTER = "before the server has it", "before the answer is there"


@dataclass
class Proxy:
    """What went through, over all connections."""

    server: tuple[int, str | tuple[str, int]]
    cut_at: int = 0
    """At which round trip the connection ends; never at 0."""
    every: int = 0
    """After how many more round trips each connection ends; never at 0."""
    when: str = CUT_BEFORE
    on_cut: Callable[[], object] = lambda: None
    connections: int = 0
    sent: list[str] = field(default_factory=list)
    """The statements, in their order."""
    sessions: list[list[str]] = field(default_factory=list)
    """The statements of each connection."""
    trips: int = 0
    """How often a client asked for the answers to what it had sent."""
    unasked: bool = False
    """Whether something was sent since then."""
    lock: threading.Lock = field(default_factory=threading.Lock)

    def serve(self, listener: socket.socket) -> None:
        """Serve clients, each in a thread of its own, until the listener is shut down."""
        with listener:
            while True:
                try:
                    client, _ = listener.accept()
                except OSError:
                    return
                self.connections += 1
                threading.Thread(target=self.pass_on, args=(client,), daemon=True).start()

    def pass_on(self, client: socket.socket) -> None:
        """Serve one client until either side leaves, or the connection is cut."""
        family, address = self.server
        with suppress(OSError), client, socket.socket(family) as upstream, client.makefile("rb") as stream:
            upstream.connect(address)
            cut = threading.Event()
            answers = threading.Thread(target=self.answer, args=(upstream, client, cut), daemon=True)
            answers.start()
            session: list[str] = []
            self.sessions.append(session)
            kind = 0  # the first message has no kind
            while head := stream.read(kind + 4):
                body = stream.read(int.from_bytes(head[kind:]) - 4)
                if kind and self.note(head[:1], body, session):
                    cut.set()
                    if self.when == CUT_AFTER:
                        upstream.sendall(head + body)
                        answers.join(timeout=60)
                    self.on_cut()
                    break
                upstream.sendall(head + body)
                kind = 1
            for end in (upstream, client):
                end.shutdown(socket.SHUT_RDWR)

    def note(self, kind: bytes, body: bytes, session: list[str]) -> bool:
        """Write down a message; return whether this is where the connection ends."""
        with self.lock:
            asks = kind == b"Q" or (kind in (b"S", b"H") and self.unasked)  # a simple query; sync or flush
            self.trips += asks
            self.unasked = not asks
            if kind in (b"Q", b"P"):
                sql = body.split(b"\0")[kind == b"P"].decode()
                self.sent.append(sql)
                session.append(sql)
            return asks and (self.trips == self.cut_at or (self.every > 0 and self.trips % self.every == 0))

    @staticmethod
    def answer(upstream: socket.socket, client: socket.socket, cut: threading.Event) -> None:
        """Pass on what the server says; once the connection is to be cut, wait for one answer and keep it."""
        with suppress(OSError):
            while data := upstream.recv(65_536):
                if cut.is_set():
                    return
                client.sendall(data)
            client.shutdown(socket.SHUT_RDWR)


@contextmanager
def proxied(dsn: str, **options: object) -> Iterator[tuple[str, Proxy]]:
    """Yield a connection string that leads through a proxy, and the proxy."""
    with psycopg.connect(dsn) as connection:
        host, port = connection.info.host, connection.info.port
    unix = host.startswith("/")
    proxy = Proxy((socket.AF_UNIX, f"{host}/.s.PGSQL.{port}") if unix else (socket.AF_INET, (host, port)))
    for name, value in options.items():
        setattr(proxy, name, value)
    listener = socket.create_server(("127.0.0.1", 0))
    thread = threading.Thread(target=proxy.serve, args=(listener,))
    thread.start()
    try:
        yield make_conninfo(dsn, host="127.0.0.1", hostaddr="", port=listener.getsockname()[1], **PLAIN), proxy
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()
