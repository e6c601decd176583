"""Telling webhooks what has happened: ``sending`` is a request, ``deliveries`` a try, ``courier`` many at a time."""
