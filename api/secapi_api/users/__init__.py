"""People who may log in, managed by the platform's administrators."""
