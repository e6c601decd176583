"""What a scanner's end means: the typed reason, and a sentence that names the tool and the limit or sign."""

import signal
from pathlib import Path
from typing import Any

import pytest

from secapi_core.crds.scanner import ScannerSpec
from secapi_core.failures import Failure, FailureReason
from secapi_workers.runner.sandbox import Outcome
from secapi_workers.runner.verdict import judge, log_tail
from secapi_workers.runner.workspace import RunDirectory

MIB = 1024 * 1024


def spec(**fields: Any) -> ScannerSpec:
    defaults = {
        "title": "Tool",
        "targetTypes": ["host"],
        "pool": "network",
        "command": "tool",
        "output": {"format": "sarif", "source": "stdout"},
        "exitCodes": {"success": [0, 2], "failures": {"42": "TargetUnreachable"}},
        "failurePatterns": [
            {"stream": "stderr", "contains": "host down", "reason": "TargetUnreachable", "message": "nobody is there"},
            {"stream": "stdout", "contains": '"errors": ["fatal"', "reason": "ScannerFailed"},
        ],
        "limits": {"memoryMib": 64, "outputMib": 1, "processes": 8, "cpuSeconds": 5},
    }
    return ScannerSpec.model_validate(defaults | fields)


REPORT_IN_A_FILE = {"output": {"format": "sarif"}, "arguments": [{"values": ["{output}"]}]}


def outcome(code: int = 0, stopped: str | None = None) -> Outcome:
    return Outcome(code=code, stopped=stopped, seconds=3.0, cpu_seconds=1.0, peak_memory=0, killed=0)


@pytest.fixture
def directory(run_directory: RunDirectory) -> RunDirectory:
    """A run that printed a report and nothing else."""
    run_directory.stdout.write_text("{}")
    run_directory.stderr.write_text("")
    return run_directory


@pytest.mark.parametrize("code", [0, 2])
def test_an_exit_status_of_success_with_a_report_is_success(directory: RunDirectory, code: int) -> None:
    assert judge(spec(), outcome(code), directory) is None


@pytest.mark.parametrize(
    ("ended", "reason", "says"),
    [
        (outcome(-15, "timeout"), FailureReason.TIMED_OUT, "ended after 3 s"),
        (outcome(-9, "memory"), FailureReason.OUT_OF_MEMORY, "64 MiB"),
        (outcome(-9, "tasks"), FailureReason.SCANNER_FAILED, "more than its 8 processes"),
        (outcome(-9, "output"), FailureReason.OUTPUT_TOO_LARGE, "more than the 1 MiB"),
        (outcome(-signal.SIGXFSZ), FailureReason.OUTPUT_TOO_LARGE, "more than the 1 MiB"),
        (outcome(-signal.SIGXCPU), FailureReason.TIMED_OUT, "5 s of processor time"),
        (outcome(-signal.SIGKILL), FailureReason.OUT_OF_MEMORY, "killed by the system"),
        (outcome(-signal.SIGSEGV), FailureReason.SCANNER_CRASHED, "SIGSEGV"),
        (outcome(-signal.SIGRTMIN - 1), FailureReason.SCANNER_CRASHED, "signal 35"),
        (outcome(42), FailureReason.TARGET_UNREACHABLE, "exit status 42"),
        (outcome(1), FailureReason.SCANNER_FAILED, "exit status 1"),
    ],
)
def test_every_bad_end_has_its_reason(
    directory: RunDirectory, ended: Outcome, reason: FailureReason, says: str
) -> None:
    failure = judge(spec(), ended, directory)
    assert failure is not None
    assert failure.reason is reason
    assert failure.message.startswith("tool ")
    assert says in failure.message


def test_the_last_line_of_the_complaint_is_quoted(directory: RunDirectory) -> None:
    directory.stderr.write_text("trace\ntrace\nno such plugin\n\n")
    assert judge(spec(), outcome(1), directory) == Failure(
        FailureReason.SCANNER_FAILED, "tool ended with exit status 1: no such plugin"
    )


def test_a_tool_that_complains_of_memory_was_starved(directory: RunDirectory) -> None:
    directory.stderr.write_text("Traceback\nMemoryError\n")
    failure = judge(spec(), outcome(1), directory)
    assert failure is not None
    assert failure.reason is FailureReason.OUT_OF_MEMORY


@pytest.mark.parametrize("code", [0, 1, 42])
def test_a_sign_of_failure_counts_whatever_the_exit_status(directory: RunDirectory, code: int) -> None:
    directory.stderr.write_text("Note: host down\n" + "x" * 1000)
    assert judge(spec(), outcome(code), directory) == Failure(FailureReason.TARGET_UNREACHABLE, "nobody is there")


def test_a_sign_of_failure_without_a_message_is_quoted(directory: RunDirectory) -> None:
    directory.stdout.write_text('{"errors": ["fatal"]}')
    failure = judge(spec(), outcome(), directory)
    assert failure == Failure(FailureReason.SCANNER_FAILED, 'tool reported: "errors": ["fatal"')


def test_only_the_end_of_a_stream_is_searched_for_signs(directory: RunDirectory) -> None:
    directory.stderr.write_text("host down\n" + "x" * 70_000)
    assert judge(spec(), outcome(), directory) is None


@pytest.mark.parametrize("fields", [{}, REPORT_IN_A_FILE], ids=["stdout", "file"])
def test_no_report_is_not_a_clean_report(directory: RunDirectory, fields: dict[str, Any]) -> None:
    directory.stdout.write_text("")
    failure = judge(spec(**fields), outcome(), directory)
    assert failure is not None
    assert failure.reason is FailureReason.OUTPUT_MISSING


def test_a_report_that_is_a_link_is_no_report(directory: RunDirectory, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("{}")
    directory.report.symlink_to(tmp_path / "secret")
    failure = judge(spec(**REPORT_IN_A_FILE), outcome(), directory)
    assert failure is not None
    assert failure.reason is FailureReason.OUTPUT_MISSING


def test_a_full_report_is_too_large_even_if_the_tool_says_all_is_well(directory: RunDirectory) -> None:
    directory.stdout.write_bytes(b"x" * MIB)
    failure = judge(spec(), outcome(), directory)
    assert failure is not None
    assert failure.reason is FailureReason.OUTPUT_TOO_LARGE


def test_the_log_is_the_end_of_standard_error_whatever_its_bytes(directory: RunDirectory) -> None:
    directory.stderr.write_bytes(b"first\n" + b"\xff\0" * 4000 + b"last")
    log = log_tail(directory)
    assert log.endswith("last")
    assert len(log) <= 4096
