"""Did a scanner do its work? From how it ended, and what it left behind, to a typed failure or none.

Pure apart from reading the ends of the run's files. A tool's own signs (``failurePatterns``) come before what its exit
status says in general, because they are more precise and because some tools call a failed scan a success.
"""

import signal
import stat
from pathlib import Path

from secapi_core.crds.scanner import ScannerSpec
from secapi_core.failures import Failure, FailureReason
from secapi_workers.runner.sandbox import Outcome
from secapi_workers.runner.supervisor import MEMORY, OUTPUT, TASKS, TIMEOUT
from secapi_workers.runner.workspace import RunDirectory, tail

LOG_TAIL_BYTES = 4 * 1024
PATTERN_BYTES = 64 * 1024
MIB = 1024 * 1024

_MEMORY_SIGNS = ("MemoryError", "Cannot allocate memory", "out of memory", "bad_alloc", "Out_of_memory")


def log_tail(directory: RunDirectory) -> str:
    """The last 4 KiB that the tool printed on standard error."""
    return tail(directory.stderr, LOG_TAIL_BYTES)


def report_path(spec: ScannerSpec, directory: RunDirectory) -> Path:
    """The file that holds the report."""
    return directory.report if spec.output.source == "file" else directory.stdout


def judge(spec: ScannerSpec, outcome: Outcome, directory: RunDirectory) -> Failure | None:
    """Why the run counts as failed; ``None`` if there is a report to read."""
    return (
        _limit_exceeded(spec, outcome, directory)
        or _sign_of_failure(spec, directory)
        or _ended_by_signal(spec, outcome)
        or _exit_status(spec, outcome, directory)
        or _no_report(spec, directory)
    )


def _limit_exceeded(spec: ScannerSpec, outcome: Outcome, directory: RunDirectory) -> Failure | None:
    limits, tool = spec.limits, spec.command
    if outcome.stopped == TIMEOUT:
        return Failure(FailureReason.TIMED_OUT, f"{tool} was ended after {outcome.seconds:.0f} s, the job's time limit")
    if outcome.stopped == MEMORY:
        return Failure(FailureReason.OUT_OF_MEMORY, f"{tool} needed more than its {limits.memory_mib} MiB of memory")
    if outcome.stopped == TASKS:
        message = f"{tool} started more than its {limits.processes} processes and threads"
        return Failure(FailureReason.SCANNER_FAILED, message)
    written = max(_size(path) for path in (directory.stdout, directory.stderr, directory.report))
    if outcome.stopped == OUTPUT or outcome.code == -signal.SIGXFSZ or written >= limits.output_mib * MIB:
        message = f"{tool} wrote more than the {limits.output_mib} MiB its output may have"
        return Failure(FailureReason.OUTPUT_TOO_LARGE, message)
    if outcome.code == -signal.SIGXCPU:
        return Failure(FailureReason.TIMED_OUT, f"{tool} used up its {limits.cpu_seconds} s of processor time")
    return None


def _sign_of_failure(spec: ScannerSpec, directory: RunDirectory) -> Failure | None:
    files = {"stdout": directory.stdout, "stderr": directory.stderr, "report": report_path(spec, directory)}
    ends = {stream: tail(files[stream], PATTERN_BYTES) for stream in {p.stream for p in spec.failure_patterns}}
    for pattern in spec.failure_patterns:
        if pattern.contains in ends[pattern.stream]:
            return Failure(pattern.reason, pattern.message or f"{spec.command} reported: {pattern.contains}")
    return None


def _ended_by_signal(spec: ScannerSpec, outcome: Outcome) -> Failure | None:
    if outcome.code >= 0:
        return None
    if outcome.code == -signal.SIGKILL:
        message = f"{spec.command} was killed by the system, most likely because memory ran out"
        return Failure(FailureReason.OUT_OF_MEMORY, message)
    number = -outcome.code
    name = signal.Signals(number).name if number in set(signal.Signals) else f"signal {number}"
    return Failure(FailureReason.SCANNER_CRASHED, f"{spec.command} crashed with {name}")


def _exit_status(spec: ScannerSpec, outcome: Outcome, directory: RunDirectory) -> Failure | None:
    if outcome.code in spec.exit_codes.success:
        return None
    complaint = log_tail(directory).strip()
    reason = spec.exit_codes.failures.get(str(outcome.code))
    if reason is None:
        starved = any(sign in complaint for sign in _MEMORY_SIGNS)
        reason = FailureReason.OUT_OF_MEMORY if starved else FailureReason.SCANNER_FAILED
    last_line = complaint.rpartition("\n")[2][:500]
    message = f"{spec.command} ended with exit status {outcome.code}" + (f": {last_line}" if last_line else "")
    return Failure(reason, message)


def _no_report(spec: ScannerSpec, directory: RunDirectory) -> Failure | None:
    if _size(report_path(spec, directory)):
        return None
    return Failure(FailureReason.OUTPUT_MISSING, f"{spec.command} ended as if all were well, but left no report")


def _size(path: Path) -> int:
    """Size of a regular file; 0 for whatever else is there, or if nothing is."""
    try:
        status = path.lstat()
    except FileNotFoundError:
        return 0
    return status.st_size if stat.S_ISREG(status.st_mode) else 0
