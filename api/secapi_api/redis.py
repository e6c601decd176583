"""Redis as the API uses it: what its processes share for a while (promise P4)."""

from secapi_api.settings import ApiSettings
from secapi_core import shared_memory
from secapi_core.shared_memory import RedisAway

__all__ = ["RedisAway", "SharedMemory"]


class SharedMemory(shared_memory.SharedMemory):
    """One process's connections to Redis."""

    def __init__(self, settings: ApiSettings) -> None:
        """With the bounds of the settings."""
        tuning = settings.tuning
        super().__init__(
            settings.redis_url.get_secret_value(), connections=tuning.redis_connections, timeout=tuning.redis_timeout
        )
