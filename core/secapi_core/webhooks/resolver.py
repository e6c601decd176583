"""Asking for the addresses of a name, in threads that nothing else needs.

Asking cannot be cut off: a name server that keeps silent keeps its thread for as long as the system waits. uvloop asks
in four threads for everybody, so that four such names would be in the way of every connection by name.
"""

import asyncio
import socket
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from ipaddress import ip_address

from secapi_core.networks import Address


class Resolver:
    """Addresses of a name that this machine could connect to, best first (RFC 6724): ``await resolver(host)``."""

    def __init__(self, *, threads: int) -> None:
        """As many names at a time as ``threads``; those that nobody waits for any more count."""
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="resolver")

    async def __call__(self, host: str) -> list[Address]:
        """Raises OSError or UnicodeError if there are none."""
        ask = partial(socket.getaddrinfo, host, None, type=socket.SOCK_STREAM, flags=socket.AI_ADDRCONFIG)
        answers = await asyncio.get_running_loop().run_in_executor(self._threads, ask)
        return [ip_address(str(address[0]).partition("%")[0]) for *_, address in answers]

    def close(self) -> None:
        """Ask for nothing more; what is being asked for ends by itself."""
        self._threads.shutdown(wait=False, cancel_futures=True)
