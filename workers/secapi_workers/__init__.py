"""SecAPI workers: Celery processes that run scanners and commit what they find."""
