"""Which parser reads which format."""

from secapi_core.crds.scanner import OutputFormat
from secapi_workers.parsers import (
    bandit_json,
    detect_secrets_json,
    nmap_xml,
    sarif,
    semgrep_json,
    ssh_audit_json,
    sslyze_json,
)
from secapi_workers.parsers.bounds import Parse

_PARSERS: dict[OutputFormat, Parse] = {
    OutputFormat.BANDIT_JSON: bandit_json.parse,
    OutputFormat.DETECT_SECRETS_JSON: detect_secrets_json.parse,
    OutputFormat.NMAP_XML: nmap_xml.parse,
    OutputFormat.SARIF: sarif.parse,
    OutputFormat.SEMGREP_JSON: semgrep_json.parse,
    OutputFormat.SSH_AUDIT_JSON: ssh_audit_json.parse,
    OutputFormat.SSLYZE_JSON: sslyze_json.parse,
}


def parser_for(output_format: OutputFormat) -> Parse:
    """The parser of a format; there is one for every member of ``OutputFormat``."""
    return _PARSERS[output_format]
