"""A loopback server that keeps whatever is posted to it: a trace collector, an error tracker."""

import gzip
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple


class Posted(NamedTuple):
    """One request; the body is decompressed."""

    path: str
    body: bytes


@dataclass
class Sink:
    """Where it listens, and what has come so far."""

    port: int
    posted: list[Posted] = field(default_factory=list)

    @property
    def url(self) -> str:
        """Without a path."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def dsn(self) -> str:
        """The address as Sentry's clients want it: with a key that is public, and a project's number."""
        return f"http://public@127.0.0.1:{self.port}/1"


@contextmanager
def http_sink() -> Iterator[Sink]:
    """Listens on a free port while the block runs; answers everything with 200 and an empty object."""
    posted: list[Posted] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.headers.get("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            posted.append(Posted(self.path, body))
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield Sink(server.server_port, posted)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
