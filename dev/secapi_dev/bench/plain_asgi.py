"""The least that can answer ``GET /v1/scans/{id}``: ASGI and asyncpg, one statement, its row as JSON.

And the least that can answer a POST: its body is received, and that is all.

It is what the API is measured against, run as a process of its own: ``python -m secapi_dev.bench.plain_asgi``. Nobody
is authenticated, nothing is validated, logged or counted.
"""

import os
from typing import Any, TypeAlias
from uuid import UUID

import asyncpg
import orjson
import uvicorn
import uvloop
from starlette.types import Receive, Scope, Send

Pool: TypeAlias = "asyncpg.Pool[asyncpg.Record]"

HOST = "127.0.0.1"


class PlainApp:
    """Sends ``statement`` with the id at the end of the path and no namespace, for every GET whatever it asks."""

    def __init__(self, pool: Pool, statement: str) -> None:
        """Share ``pool``."""
        self.pool, self.statement = pool, statement

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer 200, or 404 without such a row; 202 what is posted."""
        if scope["method"] == "POST":
            while (await receive()).get("more_body"):
                pass
            await self._answer(send, 202, b"{}")
            return
        row = await self.pool.fetchrow(self.statement, UUID(scope["path"].rpartition("/")[2]), None)
        body = orjson.dumps(dict(row) if row else None, default=str)  # the driver has a UUID class of its own
        await self._answer(send, 200 if row else 404, body)

    async def _answer(self, send: Send, status: int, body: bytes) -> None:
        headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})


async def serve(database_url: str, statement: str, *, port: int, pool_size: int) -> None:
    """Serve until SIGTERM, by the server that the API has too."""
    async with opened_pool(database_url, pool_size) as pool:
        config = uvicorn.Config(
            PlainApp(pool, statement),
            host=HOST,
            port=port,
            http="httptools",
            lifespan="off",
            log_config=None,
            access_log=False,
        )
        await uvicorn.Server(config).serve()


def opened_pool(database_url: str, size: int) -> Pool:
    """``size`` connections that decode JSON as the ledger's do; to be entered."""
    return asyncpg.create_pool(database_url, min_size=size, max_size=size, init=_decode_json)


async def _decode_json(connection: Any) -> None:
    await connection.set_type_codec("jsonb", encoder=orjson.dumps, decoder=orjson.loads, schema="pg_catalog")


if __name__ == "__main__":
    uvloop.run(
        serve(
            os.environ["PLAIN_DATABASE_URL"],
            os.environ["PLAIN_STATEMENT"],
            port=int(os.environ["PLAIN_PORT"]),
            pool_size=int(os.environ["PLAIN_POOL_SIZE"]),
        )
    )
