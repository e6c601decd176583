"""A scanner that scans nothing, for benchmarks and fault tests: sleeps, misbehaves as told, writes a SARIF report.

Only the standard library, and of it only what Python has loaded anyway: what a benchmark subtracts as "scanner time"
should be small, and ``argparse`` alone would double it. The options are those of ``catalogue/testing/noop.yaml``, each
as ``--name=value``.
"""

import io
import os
import sys
import time

_MIB = b"noop\n" * (1024 * 1024 // 5)
_DEFAULTS = {"seconds": "0", "findings": "1", "label": "noop", "exit-code": "0", "children": "0", "flood-mib": "0"}


def main() -> None:
    """Entry point of ``secapi-noop``."""
    options = _DEFAULTS | dict(argument.removeprefix("--").split("=", 1) for argument in sys.argv[1:])
    seconds = float(options["seconds"])
    if options.get("ignore-termination") == "true":
        import signal  # seldom needed, and it brings enum

        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    for _ in range(int(options["children"])):
        if os.fork() == 0:
            time.sleep(seconds)
            os._exit(0)
    for _ in range(int(options["flood-mib"])):
        sys.stdout.buffer.write(_MIB)
    time.sleep(seconds)
    with open(options["output"], "w", encoding="utf-8") as report:  # noqa: PTH123 - pathlib takes long to load
        write_sarif(report, options["label"], int(options["findings"]))
    sys.exit(int(options["exit-code"]))


def write_sarif(report: io.TextIOWrapper, label: str, count: int) -> None:
    """A SARIF 2.1.0 log with ``count`` results, the same for the same arguments; severities vary with the number."""
    report.write('{"version":"2.1.0","runs":[{"tool":{"driver":{"name":"secapi-noop"}},"results":[')
    for number in range(count):
        level = ("error", "warning", "note", "none")[number % 4]
        report.write(
            f'{"," if number else ""}{{"ruleId":"{label}-{number % 100}","level":"{level}",'
            f'"message":{{"text":"Made-up finding {number}"}},"partialFingerprints":{{"noop/v1":"{number}"}},'
            f'"locations":[{{"physicalLocation":{{"artifactLocation":{{"uri":"src/file{number // 100}.py"}},'
            f'"region":{{"startLine":{number % 1000 + 1}}}}}}}]}}\n'
        )
    report.write("]}]}\n")


if __name__ == "__main__":
    main()
