"""Tags of an XML report as they come: no tree, no entities, no external DTD.

The bare ``<!DOCTYPE nmaprun>`` that nmap writes is accepted; a DOCTYPE that names a DTD or declares anything is not, so
there is nothing to expand and nothing to fetch.
"""

from collections.abc import Iterator
from typing import BinaryIO
from xml.etree.ElementTree import ParseError

from defusedxml.common import DefusedXmlException, DTDForbidden
from defusedxml.ElementTree import DefusedXMLParser

from secapi_workers.parsers.bounds import Meter, ParseLimits, chunks, invalid

Tag = tuple[str, str, dict[str, str]]
"""``start`` with name and attributes, ``end`` with name, or ``text`` with a piece of text in place of the name."""


def tags(stream: BinaryIO, limits: ParseLimits) -> Iterator[Tag]:
    """What the document consists of, with its depth and the size of its parts bounded."""
    collected = _Tags()
    parser = _BareDoctypeParser(target=collected, forbid_dtd=True)
    meter = Meter(limits)
    depth = 0
    try:
        for chunk in chunks(stream, limits):
            parser.feed(chunk)
            meter.count(chunk, len(collected.seen))
            for tag in collected.seen:
                depth += {"start": 1, "end": -1, "text": 0}[tag[0]]
                if depth > limits.max_depth:
                    raise invalid(f"the report is nested deeper than {limits.max_depth} levels")
                yield tag
            collected.seen.clear()
        parser.close()
    except DefusedXmlException as error:
        raise invalid("the report declares a DTD or entities, which no scanner does") from error
    # A document can name an encoding that Python does not know, or one that expat cannot take.
    except (ParseError, LookupError, ValueError) as error:
        raise invalid(f"the report is not valid XML: {error}") from error


class _Tags:
    """The parser's target: keeps what it is told until it is taken away."""

    def __init__(self) -> None:
        self.seen: list[Tag] = []

    def start(self, name: str, attributes: dict[str, str]) -> None:
        self.seen.append(("start", name, attributes))

    def end(self, name: str) -> None:
        self.seen.append(("end", name, {}))

    def data(self, text: str) -> None:
        self.seen.append(("text", text, {}))

    def close(self) -> None:
        """Part of the protocol; there is nothing to finish."""


class _BareDoctypeParser(DefusedXMLParser):
    """defusedxml's parser, except that a DOCTYPE which only names the root element passes."""

    def defused_start_doctype_decl(
        self, name: str, sysid: str | None, pubid: str | None, has_internal_subset: int
    ) -> None:
        """Called by expat at the beginning of a DOCTYPE."""
        if sysid or pubid or has_internal_subset:
            raise DTDForbidden(name, sysid, pubid)
