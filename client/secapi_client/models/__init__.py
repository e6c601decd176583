"""What the server answers, one module per resource. ``docs/reference/openapi.json`` says what the fields mean.

Words from closed sets (phases, severities, states) are plain strings, so that a newer server may have more of them.
"""
