"""One module per subcommand of ``secapi-dev``; its function ``command`` is what Typer shows and runs."""
