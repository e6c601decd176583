"""``/docs``: the OpenAPI document to read and to try out, from this process alone."""
