"""Where sessions are kept: in Redis, under a hash of what the browser's cookie holds.

A session ends when it is idle for too long, when it is too old, when somebody ends it, and when Redis loses it; then
people log in again. Without Redis nobody's session can be looked up, so browsers wait while programs go on.
"""

import hashlib
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TypeVar, cast
from uuid import UUID

from redis.asyncio import Redis
from redis.typing import EncodableT, FieldT

from secapi_api.errors import Unavailable
from secapi_api.redis import RedisAway, SharedMemory

T = TypeVar("T")


class SessionsUnavailable(Unavailable):
    """Redis is away, and with it who is logged in."""

    slug = "sessions-unavailable"


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """``id`` names the session but does not prove it; ``csrf_token`` must come with every change."""

    id: str
    user_id: UUID
    csrf_token: str
    created_at: datetime


class SessionStore:
    """The sessions of all users."""

    def __init__(self, memory: SharedMemory, *, idle: float, lifetime: float) -> None:
        """Sessions end after ``idle`` seconds without a request, and ``lifetime`` seconds after they began."""
        self._memory = memory
        self._idle = timedelta(seconds=idle)
        self._lifetime = timedelta(seconds=lifetime)

    def expires_at(self, session: Session) -> datetime:
        """When the session ends however busy it is."""
        return session.created_at + self._lifetime

    async def begin(self, user_id: UUID, at: datetime) -> tuple[Session, str]:
        """A new session and the secret for the cookie. Raises SessionsUnavailable, as all methods do."""
        secret = secrets.token_urlsafe(32)
        session = Session(id=_id(secret), user_id=user_id, csrf_token=secrets.token_urlsafe(32), created_at=at)
        fields: dict[FieldT, EncodableT] = {"user": str(user_id), "csrf": session.csrf_token, "created": at.isoformat()}

        async def write(redis: Redis) -> None:
            async with redis.pipeline(transaction=True) as pipe:
                pipe.hset(_key(session.id), mapping=fields)
                pipe.pexpire(_key(session.id), self._idle)
                # By time, so that what is over can be cut off.
                pipe.zadd(_index(user_id), {session.id: at.timestamp()})
                pipe.zremrangebyscore(_index(user_id), "-inf", (at - self._lifetime).timestamp())
                pipe.pexpire(_index(user_id), self._lifetime)
                await pipe.execute()

        await self._ask(write)
        return session, secret

    async def find(self, secret: str) -> Session | None:
        """The session that the cookie's secret proves, if it is not over; it is not idle now."""
        session_id = _id(secret)

        async def read(redis: Redis) -> dict[bytes, bytes]:
            async with redis.pipeline(transaction=False) as pipe:
                pipe.hgetall(_key(session_id))
                pipe.pexpire(_key(session_id), self._idle)
                fields, _ = await pipe.execute()
            found: dict[bytes, bytes] = fields
            return found

        session = _session(session_id, await self._ask(read))
        return session if session and datetime.now(UTC) < self.expires_at(session) else None

    async def of_user(self, user_id: UUID) -> list[Session]:
        """Every session of the user that is not over, newest first."""

        async def read(redis: Redis) -> list[tuple[str, dict[bytes, bytes]]]:
            ids = [raw.decode() for raw in cast("list[bytes]", await redis.zrevrange(_index(user_id), 0, 99))]
            async with redis.pipeline(transaction=False) as pipe:
                for session_id in ids:
                    pipe.hgetall(_key(session_id))
                return list(zip(ids, await pipe.execute(), strict=True))

        found = [_session(session_id, fields) for session_id, fields in await self._ask(read)]
        return [session for session in found if session and datetime.now(UTC) < self.expires_at(session)]

    async def end(self, user_id: UUID, session_id: str) -> bool:
        """End a session of the user; false if there is none of that id."""

        async def delete(redis: Redis) -> bool:
            if not await redis.zrem(_index(user_id), session_id):
                return False
            await redis.delete(_key(session_id))
            return True

        return await self._ask(delete)

    async def _ask(self, command: Callable[[Redis], Awaitable[T]]) -> T:
        try:
            return await self._memory.ask(command)
        except RedisAway as error:
            raise SessionsUnavailable("sessions cannot be looked up at the moment; try again") from error


def _id(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def _key(session_id: str) -> str:
    return f"session:{session_id}"


def _index(user_id: UUID) -> str:
    return f"sessions:{user_id}"


def _session(session_id: str, fields: dict[bytes, bytes]) -> Session | None:
    if not fields:
        return None
    return Session(
        id=session_id,
        user_id=UUID(fields[b"user"].decode()),
        csrf_token=fields[b"csrf"].decode(),
        created_at=datetime.fromisoformat(fields[b"created"].decode()),
    )
