"""``secapi scan``."""
