"""A host that is worth scanning: an HTTPS and an SSH server on loopback, both configured as badly as old ones are.

The certificate is self-signed and expired; TLS 1.0 and 1.1 are on as far as the local OpenSSL allows; SSH offers
NIST curves, CBC ciphers, SHA-1 signatures and MD5 MACs beside good ones, and lets nobody log in.
"""

import asyncio
import ssl
import tempfile
import warnings
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncssh

from secapi_dev.demo.certificate import expired_certificate

LOOPBACK = "127.0.0.1"
_REPLY = b"HTTP/1.1 200 OK\r\nServer: demo/0.1\r\nContent-Length: 3\r\nConnection: close\r\n\r\nok\n"
_REQUEST_LIMIT = 16_384


@dataclass(frozen=True, slots=True)
class DemoHost:
    """Where the two servers listen."""

    https_port: int
    ssh_port: int

    @property
    def url(self) -> str:
        """The HTTPS server's address."""
        return f"https://{LOOPBACK}:{self.https_port}/"


@asynccontextmanager
async def demo_host() -> AsyncIterator[DemoHost]:
    """Run both servers on free ports of 127.0.0.1 until the block ends."""
    with tempfile.TemporaryDirectory(prefix="secapi-demo-host-") as directory:
        https = await asyncio.start_server(
            _answer, LOOPBACK, 0, ssl=_weak_tls(Path(directory)), ssl_handshake_timeout=10, limit=_REQUEST_LIMIT
        )
    ssh = await asyncssh.listen(
        LOOPBACK,
        0,
        server_host_keys=[asyncssh.generate_private_key("ssh-rsa", key_size=2048)],
        kex_algs=["ecdh-sha2-nistp256", "curve25519-sha256"],
        encryption_algs=["aes128-cbc", "3des-cbc", "aes256-ctr"],
        mac_algs=["hmac-md5", "hmac-sha1", "hmac-sha2-256"],
        signature_algs=["ssh-rsa", "rsa-sha2-256"],
        login_timeout=10,
    )
    try:
        yield DemoHost(https_port=https.sockets[0].getsockname()[1], ssh_port=ssh.get_port())
    finally:
        ssh.close()
        https.close()
        await ssh.wait_closed()
        await https.wait_closed()


async def _answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        async with asyncio.timeout(10):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(_REPLY)
            await writer.drain()
    except (TimeoutError, OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
        pass  # scanners break off handshakes and requests all the time; that is what this host is for
    finally:
        writer.transport.abort()


def _weak_tls(directory: Path) -> ssl.SSLContext:
    certificate = directory / "tls.pem"
    certificate.write_bytes(expired_certificate("demo.invalid"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with warnings.catch_warnings():
        # Old protocol versions are deprecated, and the point of this host.
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = ssl.TLSVersion.TLSv1
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.load_cert_chain(certificate)
    return context
