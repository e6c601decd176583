"""An OpenID provider on loopback: shows its metadata and keys, signs whatever it is asked to, and fails on demand."""

import asyncio
import base64
import json
import ssl
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import jwt
from aiohttp import web
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

AUDIENCE = "secapi"
METADATA, KEYS = "/realm/.well-known/openid-configuration", "/realm/keys"

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey


@dataclass(frozen=True)
class Signer:
    """A key of the provider, and the algorithm that it signs with."""

    kid: str
    algorithm: str
    private: PrivateKey

    @classmethod
    def make(cls, kid: str, algorithm: str = "ES256") -> "Signer":
        if algorithm.startswith("ES"):
            return cls(kid, algorithm, ec.generate_private_key(ec.SECP256R1()))
        if algorithm == "EdDSA":
            return cls(kid, algorithm, ed25519.Ed25519PrivateKey.generate())
        return cls(kid, algorithm, rsa.generate_private_key(public_exponent=65_537, key_size=2_048))

    @property
    def jwk(self) -> dict[str, Any]:
        """The public half, as the provider shows it."""
        public = self.private.public_key()
        match public:
            case rsa.RSAPublicKey():
                shown = RSAAlgorithm.to_jwk(public, as_dict=True)
            case ec.EllipticCurvePublicKey():
                shown = ECAlgorithm.to_jwk(public, as_dict=True)
            case _:
                shown = OKPAlgorithm.to_jwk(public, as_dict=True)
        return {**shown, "kid": self.kid, "use": "sig", "alg": self.algorithm}

    @property
    def pem(self) -> bytes:
        """The public half, as somebody may take it for a secret."""
        return self.private.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )

    def sign(self, payload: bytes, header: dict[str, Any]) -> str:
        """A compact token of exactly this payload; ``header`` wins over what is usual."""
        usual = {"alg": self.algorithm, "kid": self.kid, "typ": "JWT"}
        signed = {name: value for name, value in {**usual, **header}.items() if value is not None}
        content = f"{encode(json.dumps(signed).encode())}.{encode(payload)}"
        algorithm = jwt.PyJWS().get_algorithm_by_name(self.algorithm)
        return f"{content}.{encode(algorithm.sign(content.encode(), self.private))}"


@dataclass
class Provider:
    """Change its fields to have it misbehave; ``requests`` has every path that was asked for, in order."""

    url: str = ""
    signers: list[Signer] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    answers: dict[str, tuple[int, bytes]] = field(default_factory=dict)
    """Status and body by path, instead of what is right."""

    headers: dict[str, str] = field(default_factory=dict)
    go_on: asyncio.Event = field(default_factory=asyncio.Event)
    """Not set: answers are kept back."""

    @property
    def issuer(self) -> str:
        return f"{self.url}/realm"

    @property
    def metadata(self) -> dict[str, Any]:
        return {"issuer": self.issuer, "jwks_uri": f"{self.url}{KEYS}"}

    def claims(self, **changes: Any) -> dict[str, Any]:
        """Those of somebody with a verified address; ``None`` leaves a claim out."""
        now = int(time.time())
        usual = {"iss": self.issuer, "aud": AUDIENCE, "sub": "ada", "iat": now, "exp": now + 300, "name": "Ada"}
        usual |= {"email": "ada@example.com", "email_verified": True}
        return {name: value for name, value in {**usual, **changes}.items() if value is not None}

    def token(self, *, signer: Signer | None = None, header: dict[str, Any] | None = None, **changes: Any) -> str:
        """Signed by the first of its keys unless another one is given."""
        payload = json.dumps(self.claims(**changes)).encode()
        return (signer or self.signers[0]).sign(payload, header or {})

    def shows(self, path: str, document: object, status: int = 200) -> None:
        """Answer ``document`` at ``path`` from now on."""
        self.answers[path] = (status, json.dumps(document).encode())

    async def handle(self, request: web.Request) -> web.Response:
        self.requests.append(request.path)
        await self.go_on.wait()
        right = {METADATA: self.metadata, KEYS: {"keys": [signer.jwk for signer in self.signers]}}
        status, body = self.answers.get(request.path) or (200, json.dumps(right[request.path]).encode())
        return web.Response(status=status, body=body, headers=self.headers, content_type="application/json")


@asynccontextmanager
async def openid_provider(*signers: Signer, context: ssl.SSLContext | None = None) -> AsyncIterator[Provider]:
    """Serve on a free loopback port while the block runs, by https with a ``context``."""
    provider = Provider(signers=list(signers))
    provider.go_on.set()
    app = web.Application()
    app.router.add_get("/{path:.*}", provider.handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1, handler_cancellation=True)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context).start()
        host, port = runner.addresses[0][:2]
        provider.url = f"{'https' if context else 'http'}://{host}:{port}"
        yield provider
    finally:
        await runner.cleanup()


def encode(data: bytes) -> str:
    """As parts of tokens are."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
