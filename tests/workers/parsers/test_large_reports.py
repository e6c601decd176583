"""Large reports: memory stays where it was, and time is proportional to size.

Each is read in a process of its own, whose peak memory can be told from what was there before. Every format is read at
50 MB by ``make test-long``; ``make test`` reads 10 MB of most, and 50 MB of what is worst for the two kinds of reader.
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from reports import RECORDED
from secapi_core.crds.scanner import OutputFormat
from secapi_core.failures import FailureReason

MIB = 1024 * 1024
SIZE = 50 * MIB
MEMORY_MIB = 40
"""What a parser may need beyond the interpreter, whatever the report's size."""

CPU_SECONDS = 40
"""Most take 2 to 8 on an idle machine, nmap's and SARIF the longest."""

pytestmark = pytest.mark.timeout(600)

READER = """
import re, sys, time
from pathlib import Path
from secapi_core.crds.scanner import OutputFormat
from secapi_core.errors import JobFailed
from secapi_workers.parsers.bounds import ParseLimits
from secapi_workers.parsers.registry import parser_for

def memory(line):
    return int(re.search(line + r":\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1]) // 1024

parse = parser_for(OutputFormat(sys.argv[1]))
before, began, count, ended = memory("VmRSS"), time.process_time(), 0, "complete"
with open(sys.argv[2], "rb") as stream:
    try:
        for item in parse(stream, ParseLimits(max_findings=10**7, max_quarantined=10**7)):
            count += 1
    except JobFailed as error:
        ended = error.failure.reason
print(ended, count, memory("VmHWM") - before, round(time.process_time() - began, 2))
"""


def read(output_format: OutputFormat, pieces: Iterator[bytes], path: Path) -> tuple[str, int, int, float]:
    """How parsing a report of these pieces ended, its items, the memory it took in MiB, and the seconds of CPU time."""
    with path.open("wb") as file:
        file.writelines(pieces)
    command = [sys.executable, "-c", READER, output_format, str(path)]
    output = subprocess.run(command, capture_output=True, check=True, text=True, timeout=500).stdout
    path.unlink()
    ended, count, memory, seconds = output.split()
    return ended, int(count), int(memory), float(seconds)


def copies(entry: str, separator: str = ",", *, size: int = SIZE) -> int:
    """How many entries make up ``size`` bytes."""
    return size // len((entry + separator).encode())


def repeated(head: str, entry: str, tail: str, separator: str = ",", *, size: int = SIZE) -> Iterator[bytes]:
    """``head``, as many entries as make up ``size`` bytes, ``tail``."""
    yield head.encode()
    yield separator.join([entry] * copies(entry, separator, size=size)).encode()
    yield tail.encode()


def entries(name: str, *keys: str | int) -> str:
    """The entry at ``keys`` of a recorded report as JSON."""
    value: Any = json.loads((RECORDED / name).read_bytes())
    for key in keys:
        value = value[key]
    return json.dumps(value)


PORT = (
    '<port protocol="tcp" portid="22"><state state="open" reason="syn-ack" reason_ttl="0"/><service name="ssh" '
    'product="OpenSSH" version="9.2" method="probed" conf="10"><cpe>cpe:/a:openbsd:openssh:9.2</cpe></service></port>'
)
NMAP_HEAD = '<nmaprun><host><status state="up"/><address addr="192.0.2.1" addrtype="ipv4"/><ports>'
NMAP_TAIL = '</ports></host><runstats><finished exit="success"/><hosts up="1" total="1"/></runstats></nmaprun>'
SARIF_TAIL = ']}], "version": "2.1.0"}'
BANDIT_TAIL = '], "metrics": {"_totals": {"loc": 1}}}'
SSH_RECOMMENDATION = '{"banner": {"raw": "SSH-2.0-x"}, "recommendations": {"critical": {"a": ['
SSH_HEAD = '{"banner": {"raw": "SSH-2.0-x"}, "target": "192.0.2.1:22", "recommendations": {}, "additional_notes": ['

MANY_ENTRIES = {
    OutputFormat.BANDIT_JSON: ('{"results": [', entries("bandit.json", "results", 0), BANDIT_TAIL),
    OutputFormat.SEMGREP_JSON: ('{"errors": [], "results": [', entries("semgrep.json", "results", 0), "]}"),
    OutputFormat.DETECT_SECRETS_JSON: (
        '{"results": {"a": [',
        entries("detect-secrets.json", "results", "settings.ini", 0),
        "]}}",
    ),
    OutputFormat.SARIF: (
        '{"runs": [{"tool": {"driver": {"name": "t"}}, "results": [',
        entries("semgrep-sarif.sarif", "runs", 0, "results", 0),
        SARIF_TAIL,
    ),
    OutputFormat.SSLYZE_JSON: ('{"server_scan_results": [', entries("sslyze.json", "server_scan_results", 0), "]}"),
    OutputFormat.SSH_AUDIT_JSON: (SSH_HEAD, f'"A note on the server (CVE-2023-48795). {"More. " * 100}"', "]}"),
}


@pytest.mark.parametrize("size", [10 * MIB, pytest.param(SIZE, marks=pytest.mark.long)])
@pytest.mark.parametrize("output_format", list(MANY_ENTRIES))
def test_entries_are_read_in_little_memory(output_format: OutputFormat, size: int, tmp_path: Path) -> None:
    head, entry, tail = MANY_ENTRIES[output_format]
    pieces = repeated(head, entry, tail, size=size)
    ended, count, memory, seconds = read(output_format, pieces, tmp_path / "report")

    assert ended == "complete"
    assert count >= copies(entry, size=size)
    assert memory < MEMORY_MIB
    assert seconds < CPU_SECONDS


def test_fifty_megabytes_of_xml_are_read_in_little_memory(tmp_path: Path) -> None:
    pieces = repeated(NMAP_HEAD, PORT, NMAP_TAIL, separator="")
    ended, count, memory, seconds = read(OutputFormat.NMAP_XML, pieces, tmp_path / "report")

    assert ended == "complete"
    assert count == copies(PORT, "")
    assert memory < MEMORY_MIB
    assert seconds < CPU_SECONDS


ONE_ENTRY = [
    (OutputFormat.BANDIT_JSON, '{"results": [{"a": [', "]}" + BANDIT_TAIL),
    (OutputFormat.SEMGREP_JSON, '{"results": [{"a": [', "]}]}"),
    (OutputFormat.DETECT_SECRETS_JSON, '{"results": {"f": [{"a": [', "]}]}}"),
    (OutputFormat.SARIF, '{"runs": [{"results": [{"a": [', "]}" + SARIF_TAIL),
    (
        OutputFormat.SARIF,
        '{"runs": [{"results": [], "tool": {"driver": {"rules": [{"a": [',
        ']}]}}}], "version": "2.1.0"}',
    ),
    (OutputFormat.SSLYZE_JSON, '{"server_scan_results": [{"a": [', "]}]}"),
    (OutputFormat.SSH_AUDIT_JSON, SSH_RECOMMENDATION, "]}}}"),
]


@pytest.mark.parametrize("size", [10 * MIB, pytest.param(SIZE, marks=pytest.mark.long)])
@pytest.mark.parametrize(("output_format", "head", "tail"), ONE_ENTRY)
def test_one_large_entry_is_never_held(
    output_format: OutputFormat, head: str, tail: str, size: int, tmp_path: Path
) -> None:
    pieces = repeated(head, f'["{"x" * 40}"]', tail, size=size)
    ended, count, memory, seconds = read(output_format, pieces, tmp_path / "report")

    assert ended in ("complete", FailureReason.TARGET_UNREACHABLE)
    assert count <= 1
    assert memory < MEMORY_MIB
    assert seconds < CPU_SECONDS


@pytest.mark.parametrize("output_format", [OutputFormat.BANDIT_JSON, OutputFormat.SARIF])
def test_fifty_megabytes_of_brackets_end_early(output_format: OutputFormat, tmp_path: Path) -> None:
    """Read as values they would take a gigabyte, and a minute."""
    pieces = repeated('{"anything": [', "[]", "]}")
    ended, count, memory, seconds = read(output_format, pieces, tmp_path / "report")

    assert ended == FailureReason.OUTPUT_TOO_LARGE
    assert count == 0
    assert memory < MEMORY_MIB
    assert seconds < CPU_SECONDS


def test_a_single_text_of_fifty_megabytes_is_never_held(tmp_path: Path) -> None:
    pieces = repeated('{"results": ["', "text ", '"]}', separator="")
    ended, _, memory, seconds = read(OutputFormat.BANDIT_JSON, pieces, tmp_path / "report")

    assert ended == "OutputInvalid"
    assert memory < MEMORY_MIB
    assert seconds < CPU_SECONDS
