"""One module for each resource; what they show and ask for is told by ``--help``."""
