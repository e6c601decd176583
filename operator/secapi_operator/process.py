"""One operator process: opens what it talks to, keeps the store warm, and works while it leads."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import structlog

from secapi_core import metrics, tracing
from secapi_core.ledger.database import Database
from secapi_core.ledger.pool_gauge import watch_pool
from secapi_core.ledger.queries.schema import schema_problem
from secapi_core.scan_summaries import ScanSummaries
from secapi_core.shared_memory import SharedMemory
from secapi_operator.broker import Broker
from secapi_operator.controller import Controller
from secapi_operator.kube import Kube, NotFound
from secapi_operator.leader import Leader, make_identity
from secapi_operator.objects import ScanKey, StoredObject
from secapi_operator.outages import LEDGER_DOWN
from secapi_operator.periodic import every
from secapi_operator.probes import probes
from secapi_operator.relist import KINDS, deliver, relist
from secapi_operator.settings import OperatorSettings
from secapi_operator.store import Store
from secapi_operator.watch import Watch

log = structlog.get_logger(__name__)


class Process:
    """The parts that live as long as the process; a :class:`Controller` comes and goes with the leadership."""

    def __init__(self, settings: OperatorSettings, kube: Kube, database: Database, broker: Broker) -> None:
        """Work with what the caller opened and keeps."""
        self._settings = settings
        self._kube = kube
        self._database = database
        self._broker = broker
        self._store = Store(self._wake)
        self._controller: Controller | None = None
        self._listed = asyncio.Event()
        self._watch = Watch(KINDS, self._deliver)
        self._watch_is_stale = True

    async def run(self, stop: asyncio.Event) -> None:
        """Run until ``stop`` is set; then finish what is under way, release the Lease and end."""
        leader = Leader(self._kube, self._settings, identity=make_identity(self._settings))
        tuning = self._settings.tuning
        relisting = asyncio.create_task(every(tuning.relist_interval, self._relist, name="relist"))
        try:
            async with probes(tuning.probe_host, tuning.probe_port, healthy=self._healthy, ready=self._ready):
                await _first_of(self._listed, stop)
                await leader.run(lambda: self._lead(stop), stop)
        finally:
            relisting.cancel()
            await self._watch.stop()

    async def _lead(self, stop: asyncio.Event) -> None:
        self._controller = Controller(
            store=self._store, kube=self._kube, database=self._database, broker=self._broker, settings=self._settings
        )
        try:
            await self._controller.run(stop)
        finally:
            self._controller = None

    def _wake(self, key: ScanKey) -> None:
        if self._controller is not None:
            self._controller.queue.add(key)

    def _deliver(self, item: StoredObject, gone: bool) -> None:
        deliver(self._store, item, gone)

    async def _relist(self) -> None:
        try:
            await relist(self._kube, self._store)
        except NotFound:
            # Our kinds are not installed (any more). A watch that starts without them never looks for them again.
            self._watch_is_stale = True
            raise
        if self._watch_is_stale:
            self._watch.restart()
            self._watch_is_stale = False
        self._listed.set()

    async def _healthy(self) -> str:
        return "" if await self._watch.responds(within=2.0) else "the watch does not respond"

    async def _ready(self) -> str:
        if not self._store.complete:
            return "not every kind of object has been listed yet"
        try:
            async with self._database.transaction() as session:
                return await schema_problem(session)
        except LEDGER_DOWN as error:
            return f"the database is not reachable: {type(error).__name__}"


@asynccontextmanager
async def opened(settings: OperatorSettings) -> AsyncIterator[Process]:
    """A process with its connections, closed when the block ends."""
    async with AsyncExitStack() as stack:
        stack.callback(tracing.start(settings, "operator"))
        redis_url = settings.redis_url.get_secret_value()
        memory = SharedMemory(redis_url, connections=4)
        stack.push_async_callback(memory.close)
        database = Database(settings, application="secapi-operator", changed=ScanSummaries(memory).put)
        stack.push_async_callback(database.close)
        watch_pool(database.engine)
        metrics.announce("operator")
        kube = await stack.enter_async_context(await Kube.connect(settings.tuning))
        broker = await stack.enter_async_context(Broker(redis_url))
        yield Process(settings, kube, database, broker)


async def _first_of(*events: asyncio.Event) -> None:
    waits = [asyncio.ensure_future(event.wait()) for event in events]
    try:
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()
