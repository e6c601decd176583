"""A small program in the place of a component: ``stand_in.py PORT`` answers 200 to every GET on a loopback port."""

import http.server
import sys


class Yes(http.server.BaseHTTPRequestHandler):
    """Answers 200, silently."""

    def do_GET(self) -> None:
        """Answer."""
        self.send_response(200)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


if __name__ == "__main__":
    http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Yes).serve_forever()
