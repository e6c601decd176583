"""Telling webhooks what has happened: ``sending`` is one request, ``deliveries`` what surrounds it."""
