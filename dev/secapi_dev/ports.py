"""Free TCP ports on the loopback address, without the usual race between finding one and using it."""

import errno
import random
import socket

# Below the range that the kernel takes the ports of outgoing connections from (32768 on): a server that is restarted
# finds its port as it left it.
CANDIDATES = range(20_000, 32_768)


class Ports:
    """Ports that no other stack or test run of this machine is given as long as this object is open.

    A reservation is an abstract Unix socket named after the port: the kernel gives it to one process and takes it back
    when that process dies, so nothing is left behind and nothing is stale.
    """

    def __init__(self) -> None:
        """Start without a reservation."""
        self._reservations: list[socket.socket] = []

    def reserve(self) -> int:
        """Pick a port that is reserved by nobody and on which nobody listens."""
        while True:
            port = random.choice(CANDIDATES)  # noqa: S311 - to spread, not to hide
            reservation = socket.socket(socket.AF_UNIX)
            try:
                reservation.bind(f"\0secapi-dev-port-{port}")
                with socket.socket() as probe:
                    probe.bind(("127.0.0.1", port))
            except OSError as error:
                reservation.close()
                if error.errno != errno.EADDRINUSE:
                    raise
            else:
                self._reservations.append(reservation)
                return port

    def close(self) -> None:
        """Give all reservations back."""
        for reservation in self._reservations:
            reservation.close()
        self._reservations.clear()
