"""Celery's worker with the shutdown that a platform of long jobs needs.

Celery knows a warm shutdown that waits for running tasks without end, and a cold one that kills them. Here SIGTERM (or
SIGINT) begins a drain: nothing new is taken, running jobs get their time to finish and are given back when it is up.
A second SIGTERM, or SIGQUIT, gives them back at once. Either way Celery only ever sees a warm shutdown.
"""

import signal
import threading
from typing import Any

from celery import Celery, bootsteps
from celery.apps.worker import Worker
from celery.worker import state

from secapi_workers.runner.draining import Draining

REPLACE_SECONDS = 0.25


class ScanWorker(Worker):  # type: ignore[misc]  # Celery has no types
    """The parent process: consumes messages and hands them to its pool of processes."""

    def __init__(self, app: Celery, draining: Draining) -> None:
        """Configure everything; ``start`` runs until a signal ends it, ``exitcode`` then says how."""
        self.app = app
        self.draining = draining
        super().__init__(
            app=app, pool_cls="prefork", quiet=True, without_gossip=True, without_mingle=True, without_heartbeat=True
        )

    def install_platform_tweaks(self, worker: object) -> None:
        """Replace Celery's signal handlers by our own."""
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT):
            signal.signal(number, self._wind_down)

    def _wind_down(self, number: int, _frame: object) -> None:
        if number == signal.SIGQUIT:
            self.draining.release()
        else:
            self.draining.begin()
        state.should_stop = 0

    def stop(self, in_sighandler: bool = False, exitcode: int | None = None) -> None:
        """End for whatever reason; also without a signal, running jobs are not waited for without end."""
        if not self.draining.begun:
            self.draining.begin()
        super().stop(in_sighandler=in_sighandler, exitcode=exitcode)


class ReplaceProcesses(bootsteps.StartStopStep):  # type: ignore[misc]  # Celery has no types
    """Looks often whether a process of the pool has ended.

    Celery looks when the pipe to a process closes, at which moment the kernel has not always finished with the process,
    and otherwise every five seconds: a long time for a pool of one.
    """

    requires = ("celery.worker.consumer.tasks:Tasks",)

    def start(self, consumer: Any) -> None:
        """Begin looking; Celery drops the timer when the connection is lost, and starts this again."""
        consumer.timer.call_repeatedly(REPLACE_SECONDS, consumer.pool.maintain_pool)


def watch_consumer(app: Celery) -> threading.Event:
    """An event that is set exactly while the worker is connected to the broker and consuming."""
    consuming = threading.Event()

    class Watch(bootsteps.StartStopStep):  # type: ignore[misc]  # Celery has no types
        """Started after the consumer, stopped with it, also when the connection is lost."""

        requires = ("celery.worker.consumer.tasks:Tasks",)

        def start(self, _consumer: Any) -> None:
            consuming.set()

        def stop(self, _consumer: Any) -> None:
            consuming.clear()

    app.steps["consumer"].add(Watch)
    return consuming
