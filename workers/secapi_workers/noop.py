"""A scanner that scans nothing, for benchmarks and fault tests: sleeps, misbehaves as told, writes a SARIF report.

Only the standard library and few of its modules: what a benchmark subtracts as "scanner time" should be small.
"""

import argparse
import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

_MIB = b"noop\n" * (1024 * 1024 // 5)


def main() -> None:
    """Entry point of ``secapi-noop``; the options mirror the parameters of ``catalogue/testing/noop.yaml``."""
    parser = argparse.ArgumentParser(prog="secapi-noop", description="A scanner that scans nothing.")
    parser.add_argument("--output", type=Path, required=True, help="where to write the SARIF report")
    parser.add_argument("--seconds", type=float, default=0.0, help="how long to sleep first")
    parser.add_argument("--findings", type=int, default=1, help="how many findings to report")
    parser.add_argument("--label", default="noop", help="part of the rule of every finding")
    parser.add_argument("--exit-code", type=int, default=0, help="the exit status")
    parser.add_argument("--children", type=int, default=0, help="how many child processes to start that sleep as long")
    parser.add_argument("--flood-mib", type=int, default=0, help="how much to print on standard output")
    parser.add_argument("--ignore-termination", action="store_true", help="ignore SIGTERM")
    options = parser.parse_args()

    if options.ignore_termination:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    for _ in range(options.children):
        if os.fork() == 0:
            time.sleep(options.seconds)
            os._exit(0)
    for _ in range(options.flood_mib):
        sys.stdout.buffer.write(_MIB)
    time.sleep(options.seconds)
    with options.output.open("w", encoding="utf-8") as report:
        report.writelines(_sarif(options.label, options.findings))
    sys.exit(options.exit_code)


def _sarif(label: str, count: int) -> Iterator[str]:
    """A SARIF 2.1.0 log with ``count`` results, the same for the same arguments; severities vary with the number."""
    yield '{"version":"2.1.0","runs":[{"tool":{"driver":{"name":"secapi-noop"}},"results":['
    for number in range(count):
        level = ("error", "warning", "note", "none")[number % 4]
        yield (
            f'{"," if number else ""}{{"ruleId":"{label}-{number % 100}","level":"{level}",'
            f'"message":{{"text":"Made-up finding {number}"}},"partialFingerprints":{{"noop/v1":"{number}"}},'
            f'"locations":[{{"physicalLocation":{{"artifactLocation":{{"uri":"src/file{number // 100}.py"}},'
            f'"region":{{"startLine":{number % 1000 + 1}}}}}}}]}}\n'
        )
    yield "]}]}\n"


if __name__ == "__main__":
    main()
