"""Child processes that never outlive the stack, not even when it is killed.

Nothing here trusts the owner (``secapi-dev`` or a test run) to clean up, because SIGKILL gives it no chance to:

- every program runs below a *guard* (:mod:`secapi_dev.processes.guard`), a tiny init process that stops it and all its
  descendants as soon as the owner's end of a pipe closes, for whatever reason;
- every guard holds the lock of the *state directory* (:mod:`secapi_dev.processes.state`); a *janitor* waits for that
  lock, which it gets when the owner and the last guard are gone, and then removes the files.

An orderly stop takes the same two roads, so the road for a crash is used all the time.
"""
