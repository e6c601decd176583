"""Fixtures for every test folder."""

pytest_plugins = ["running_stack_fixtures", "stack_fixtures"]
