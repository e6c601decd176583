"""Fixtures for every test folder."""

pytest_plugins = ["stack_fixtures"]
