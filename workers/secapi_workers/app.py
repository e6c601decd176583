"""The Celery application of a worker: a doorbell, not a ledger.

A message says "look at this job" and is taken from its queue for good, without acknowledgement: whether the job is run,
by whom and how often is the ledger's business, and for a message that gets lost the operator sends another. Late
acknowledgement would add nothing to that but duplicates, most of the broker's work, and a trap: an acknowledgement that
fails while Redis restarts leaves Celery waiting for a free slot that it will never count as free.
"""

import os
from typing import Any

import structlog
from celery import Celery, signals

from secapi_core.messages import DELIVERIES, SYSTEM_POOL, Priority, queue_name
from secapi_workers.process import WorkerProcess
from secapi_workers.settings import WorkerSettings
from secapi_workers.tasks.deliver_event import DeliverEvent
from secapi_workers.tasks.run_job import RunJob

log = structlog.get_logger(__name__)


def queue_names(pools: tuple[str, ...]) -> list[str]:
    """The queues of ``pools`` in the order in which they must be drained: priority first, whatever the pool.

    Before all come events for webhooks, which are sent in no time and tell of what is over already.
    """
    scanning = [pool for pool in pools if pool != SYSTEM_POOL]
    first = [DELIVERIES] if SYSTEM_POOL in pools else []
    return first + [queue_name(pool, priority) for priority in Priority for pool in scanning]


def make_app(settings: WorkerSettings, process: WorkerProcess) -> Celery:
    """An application whose processes open and close ``process`` and do their work in it."""
    app = Celery("secapi", broker=settings.redis_url.get_secret_value(), set_as_current=False)
    app.conf.update(_configuration(settings))
    app.register_task(RunJob(process))
    app.register_task(DeliverEvent(process))

    # Celery holds receivers weakly unless told otherwise, and nobody else holds these.
    signals.worker_process_init.connect(lambda **_: _open(process), weak=False)
    signals.worker_process_shutdown.connect(lambda **_: process.close(), weak=False)
    # That there is a receiver keeps Celery from configuring logging.
    signals.setup_logging.connect(lambda **_: None, weak=False)
    return app


def _open(process: WorkerProcess) -> None:
    """Celery would log an error here and go on, with a process that swallows messages."""
    try:
        process.open()
    except Exception:
        log.exception("process cannot be set up")
        os._exit(1)


def _configuration(settings: WorkerSettings) -> dict[str, Any]:
    return {
        "task_queues": {
            name: {"exchange": "", "routing_key": name, "no_ack": True} for name in queue_names(settings.worker_pools)
        },
        "task_create_missing_queues": False,
        # A message is taken when a process is free to act on it, not before.
        "worker_prefetch_multiplier": 1,
        "worker_disable_prefetch": True,
        "worker_concurrency": settings.worker_concurrency,
        "worker_max_tasks_per_child": settings.worker_jobs_per_process,
        "worker_proc_alive_timeout": 60.0,
        "task_ignore_result": True,
        "result_backend": None,
        "task_serializer": "json",
        "accept_content": ["json"],
        "worker_send_task_events": False,
        # Nothing in SecAPI uses remote control, and whoever reached Redis could.
        "worker_enable_remote_control": False,
        "worker_hijack_root_logger": False,
        "worker_redirect_stdouts": False,
        "broker_connection_retry_on_startup": True,
        "broker_connection_max_retries": None,
        "broker_connection_timeout": 3.0,
        # A running job does not need the broker.
        "worker_cancel_long_running_tasks_on_connection_loss": False,
        "broker_transport_options": {
            # BRPOP serves the first list that has something; one list per queue, as the operator writes them.
            "queue_order_strategy": "priority",
            "priority_steps": [0],
            # There is nothing to restore, but looking for it is how a busy worker notices that the broker is gone.
            "unacked_restore_interval": 5,
            "unacked_restore_throttle": 1,
            "socket_timeout": 5.0,
            "socket_connect_timeout": 3.0,
            "socket_keepalive": True,
            "health_check_interval": 10,
        },
    }
