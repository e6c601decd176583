"""Ask a release's API whether it works: argument 1 is the address of its Service. Runs in the API's image."""

import sys
from http import HTTPStatus
from urllib.error import HTTPError
from urllib.request import urlopen

EXPECTED = {
    "/healthz": HTTPStatus.OK,
    "/readyz": HTTPStatus.OK,
    # Who has no key is not told what is there, but the route and what it is made of are.
    "/v1/scanners": HTTPStatus.UNAUTHORIZED,
}
SECONDS = 10.0


def status(url: str) -> int:
    """The status of the answer; raises OSError if there is none."""
    try:
        with urlopen(url, timeout=SECONDS) as answer:  # noqa: S310 - the chart gives an http address
            return int(answer.status)
    except HTTPError as error:
        return error.code


def main(address: str) -> int:
    """The exit code: 0 if every answer is the expected one; one line for each that is not."""
    failed = 0
    for path, expected in EXPECTED.items():
        try:
            answered: int | str = status(f"{address}{path}")
        except OSError as error:
            answered = f"no answer ({error})"
        sys.stdout.write(f"{path}: {answered}, expected {expected.value}\n")
        failed += answered != expected
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
