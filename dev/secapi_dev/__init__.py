"""The local stack: real servers and every component on one machine, for demos, tests and development."""
