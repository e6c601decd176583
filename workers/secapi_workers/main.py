"""``secapi-worker``: a pool of processes that run scanners, until SIGTERM."""

import ctypes
import gc
import logging
import os
import signal
import sys
from contextlib import suppress

import structlog

from secapi_core import error_tracking, logs
from secapi_core.environment import read_settings
from secapi_workers.runner.draining import Draining
from secapi_workers.runner.workspace import Workspace
from secapi_workers.settings import WorkerSettings

log = structlog.get_logger(__name__)

PR_SET_DUMPABLE = 4
ENDING = (signal.SIGTERM, signal.SIGINT)
METRICS_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"


def main() -> None:
    """Entry point of the console script."""
    settings = read_settings(WorkerSettings)
    report = error_tracking.start(settings, "worker")
    logs.configure(settings.log_level, settings.log_format, component="worker", report=report)
    logging.captureWarnings(True)
    for chatter in ("celery.worker.strategy", "celery.app.trace"):
        # A line or two for every message; what became of its job is logged by us.
        logging.getLogger(chatter).setLevel(logging.WARNING)
    _hide_from_scanners()
    # Until the worker has handlers of its own, there is nothing to wind down but what the finally below removes.
    for number in ENDING:
        signal.signal(number, lambda *_: sys.exit(0))
    signal.pthread_sigmask(signal.SIG_BLOCK, ENDING)
    workspace = Workspace(settings.workdir)
    try:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDING)
        exitcode = _work(settings, workspace)
    finally:
        workspace.close()
    sys.exit(exitcode)


def _hide_from_scanners() -> None:
    """Close this process's memory and environment to other processes of its user: scanners, and it has passwords."""
    ctypes.CDLL(None).prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)


def _work(settings: WorkerSettings, workspace: Workspace) -> int:
    """Run until a signal or an unrecoverable error; the exit status."""
    directory = workspace.path / "metrics"
    directory.mkdir()
    os.environ[METRICS_VARIABLE] = str(directory)
    # The metrics library looks at the variable when it is imported, so what imports it comes after.
    from celery import signals

    from secapi_core import metrics
    from secapi_workers.app import make_app
    from secapi_workers.probes import ProbeServer, Readiness
    from secapi_workers.process import WorkerProcess
    from secapi_workers.worker import ReplaceProcesses, ScanWorker, watch_consumer

    metrics.announce("worker")
    draining = Draining()
    app = make_app(settings, WorkerProcess(settings, draining))
    app.steps["consumer"].add(ReplaceProcesses)
    consuming = watch_consumer(app)
    if settings.worker_metrics_port:
        probes = ProbeServer(settings.worker_metrics_host, settings.worker_metrics_port, Readiness(settings, consuming))
        probes.start()
        signals.worker_process_init.connect(lambda **_: probes.close(), weak=False)

    log.info("worker starting", pools=settings.worker_pools, processes=settings.worker_concurrency)
    worker = ScanWorker(app, draining)
    _share_memory()
    worker.start()
    log.info("worker ended", exitcode=worker.exitcode or 0)
    return worker.exitcode or 0


def _share_memory() -> None:
    """Before the fork: give back what importing needed, and keep collections off what all processes share."""
    gc.collect()
    with suppress(AttributeError):  # Only the GNU C library has it.
        ctypes.CDLL(None).malloc_trim(0)
    gc.freeze()
