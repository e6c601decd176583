"""What ``helm test`` runs: it passes for a working API and says what is wrong with another."""

import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from rendering import Rendering
from secapi_dev import paths

CHECK = paths.CHART / "files" / "tests" / "release.py"
WORKING = {"/healthz": 200, "/readyz": 200, "/v1/scanners": 401}


@contextmanager
def serving(answers: Mapping[str, int]) -> Iterator[str]:
    """The address of a server that answers with these statuses."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(answers[self.path])
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def check(address: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-I", CHECK, address], capture_output=True, text=True, check=False)


def test_a_working_api_passes() -> None:
    with serving(WORKING) as address:
        result = check(address)
    assert (result.returncode, result.stderr) == (0, "")
    assert "/v1/scanners: 401, expected 401" in result.stdout


def test_an_api_that_is_not_ready_fails() -> None:
    with serving(WORKING | {"/readyz": 503}) as address:
        result = check(address)
    assert result.returncode == 1
    assert "/readyz: 503, expected 200" in result.stdout


def test_an_api_that_lets_anybody_in_fails() -> None:
    with serving(WORKING | {"/v1/scanners": 200}) as address:
        assert check(address).returncode == 1


def test_no_api_at_all_fails_with_a_reason() -> None:
    result = check("http://127.0.0.1:1")
    assert result.returncode == 1
    assert "/healthz: no answer (" in result.stdout


def test_the_pod_runs_it_against_the_service(external: Rendering) -> None:
    service = external.one("Service", "api")
    port = service["spec"]["ports"][0]["port"]
    assert external.container("test")["args"] == [
        "python",
        "/etc/secapi/release.py",
        f"http://{service['metadata']['name']}.{service['metadata']['namespace']}.svc:{port}",
    ]
    assert external.one("ConfigMap", "test")["data"] == {"release.py": CHECK.read_text()}
