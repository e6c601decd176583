"""Reports into findings: one pure, streaming module per format.

Every module has one function, ``parse(stream, limits)``, which yields ``Finding`` and ``Quarantined`` while it reads
and holds one entry of the report at a time, so memory does not grow with the report. Whatever the bytes are, the only
error it raises is ``JobFailed``. ``registry.parser_for`` finds the module of a format.

Reports are hostile input (they quote what the target said), and a run that looks clean may not be one: a parser that
can tell that a tool reached nothing or scanned nothing raises ``JobFailed`` as well, never yields an empty result.
"""
