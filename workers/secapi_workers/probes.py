"""``/metrics``, ``/healthz`` and ``/readyz`` of a worker, served by a thread of the parent process."""

import asyncio
import sys
import threading
import time
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import structlog
from prometheus_client import CONTENT_TYPE_LATEST

from secapi_core.ledger.database import Database
from secapi_core.ledger.queries.schema import schema_problem
from secapi_core.settings import Settings
from secapi_workers import metrics

log = structlog.get_logger(__name__)

DATABASE_SECONDS = 3.0
REMEMBER_SECONDS = 2.0
REQUEST_SECONDS = 10.0

TEXT = "text/plain; charset=utf-8"
Answer = tuple[HTTPStatus, str, bytes]


class Readiness:
    """Whether a worker could take a job and commit its results; says what is missing."""

    def __init__(self, settings: Settings, consuming: threading.Event) -> None:
        """``consuming`` is set while the broker is connected."""
        self._settings = settings
        self._consuming = consuming
        self._lock = threading.Lock()
        self._asked = -REMEMBER_SECONDS
        self._database_problem = ""

    def problem(self) -> str:
        """One line, empty when ready."""
        if not self._consuming.is_set():
            return "not connected to the broker"
        # However often and by however many it is asked, the database sees one question at a time.
        with self._lock:
            if time.monotonic() - self._asked >= REMEMBER_SECONDS:
                self._database_problem = asyncio.run(self._ask_database())
                self._asked = time.monotonic()
            return self._database_problem

    async def _ask_database(self) -> str:
        database = Database(self._settings, application="secapi-worker-readiness")
        try:
            async with asyncio.timeout(DATABASE_SECONDS), database.transaction() as session:
                return await schema_problem(session)
        except Exception as error:
            # Whatever is wrong with the database, the probe's answer is the place to say so.
            log.debug("database not reachable", error=str(error))
            return f"the database is not reachable: {type(error).__name__}"
        finally:
            await database.close()


class ProbeServer:
    """The HTTP server; ``address`` is where it listens."""

    def __init__(self, host: str, port: int, readiness: Readiness) -> None:
        """Listen at once, so that an unusable address ends the start; port 0 takes a free one."""
        routes: dict[str, Callable[[], Answer]] = {
            "/metrics": lambda: (HTTPStatus.OK, CONTENT_TYPE_LATEST, metrics.exposition()),
            "/healthz": lambda: (HTTPStatus.OK, TEXT, b"ok\n"),
            "/readyz": lambda: _ready(readiness.problem()),
        }
        self._server = _Server((host, port), _handler(routes))
        self.address = self._server.server_address[:2]

    def start(self) -> None:
        """Serve in a thread that ends with the process."""
        threading.Thread(target=self._server.serve_forever, name="probes", daemon=True).start()

    def close(self) -> None:
        """Let go of the socket; also in a forked process, where it would keep the port taken."""
        self._server.socket.close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = True

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that goes away is nobody's problem, and a defect must not reach its terminal."""
        log.debug("probe failed", error=repr(sys.exc_info()[1]))


def _handler(routes: dict[str, Callable[[], Answer]]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        """Answers GET of the routes."""

        timeout = REQUEST_SECONDS

        def do_GET(self) -> None:
            route = routes.get(self.path.partition("?")[0])
            status, kind, body = route() if route else (HTTPStatus.NOT_FOUND, TEXT, b"not found\n")
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Probes come every few seconds; nobody wants them in the log."""

    return Handler


def _ready(problem: str) -> Answer:
    status = HTTPStatus.SERVICE_UNAVAILABLE if problem else HTTPStatus.OK
    return status, TEXT, f"{problem or 'ok'}\n".encode()
