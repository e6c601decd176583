"""The console script ``secapi-api``: one process of the API; a Deployment runs as many as it takes."""

import signal
import sys

import uvicorn

from secapi_api.app import create_app
from secapi_api.protocol import bounded_protocol
from secapi_api.server import Server
from secapi_api.settings import ApiSettings
from secapi_core import error_tracking, logs
from secapi_core.environment import read_settings, require_cluster


def main() -> None:
    """Serve until SIGTERM or SIGINT, then let requests under way finish."""
    settings = read_settings(ApiSettings)
    require_cluster()
    report = error_tracking.start(settings, "api")
    logs.configure(settings.log_level, settings.log_format, component="api", report=report)
    for number in (signal.SIGINT, signal.SIGTERM):
        # Before the server takes over, and again by the server itself when it has shut down because of the signal.
        signal.signal(number, lambda *_: sys.exit(0))
    server(settings).run()


def server(settings: ApiSettings) -> Server:
    """The server, ready to run."""
    tuning = settings.tuning
    app = create_app(settings)
    return Server(
        uvicorn.Config(
            app,
            host=tuning.host,
            port=tuning.port,
            loop="uvloop",
            http=bounded_protocol(tuning),
            ws="none",
            lifespan="on",
            # Ours are structured and carry ids.
            log_config=None,
            access_log=False,
            server_header=False,
            forwarded_allow_ips=tuning.trusted_proxies,
            timeout_graceful_shutdown=round(tuning.shutdown_timeout),
        ),
        app,
    )
