"""The two processes of a control plane."""

import signal
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec

from secapi_dev.controlplane import pki
from secapi_dev.controlplane.binaries import Binaries
from secapi_dev.ports import Ports
from secapi_dev.processes.probes import http_ok
from secapi_dev.processes.program import Component
from secapi_dev.processes.state import StateDirectory

AUDIT_POLICY = Path(__file__).with_name("audit-policy.yaml")
ISSUER = "https://kubernetes.default.svc.cluster.local"
SERVER_NAMES = ["localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc"]


@dataclass(frozen=True)
class ControlPlane:
    """etcd and kube-apiserver on loopback ports, below one directory."""

    binaries: Binaries
    directory: Path
    etcd_port: int
    etcd_peer_port: int
    port: int

    @classmethod
    def prepared(cls, binaries: Binaries, state: StateDirectory, ports: Ports) -> "ControlPlane":
        """Write certificates, keys and the administrator's kubeconfig below ``state``."""
        directory = state.path / "controlplane"
        plane = cls(binaries, directory, *(ports.reserve() for _ in range(3)))
        authority = pki.CertificateAuthority()
        server = authority.server(SERVER_NAMES, "127.0.0.1")
        admin = authority.client("secapi-dev-admin", "system:masters")
        service_accounts = ec.generate_private_key(ec.SECP256R1())
        for name, content in {
            "ca.crt": authority.certificate,
            "apiserver.crt": server.certificate,
            "apiserver.key": server.key,
            "admin.crt": admin.certificate,
            "admin.key": admin.key,
            "service-account.key": pki.private_pem(service_accounts),
            "service-account.pub": pki.public_pem(service_accounts),
        }.items():
            pki.write_private(plane._pki / name, content)
        pki.write_kubeconfig(
            plane.admin_kubeconfig,
            cluster={"server": plane.url, "certificate-authority-data": pki.encoded(authority.certificate)},
            user={
                "client-certificate-data": pki.encoded(admin.certificate),
                "client-key-data": pki.encoded(admin.key),
            },
        )
        return plane

    @property
    def url(self) -> str:
        """Address of the API server."""
        return f"https://127.0.0.1:{self.port}"

    @property
    def admin_kubeconfig(self) -> Path:
        """Kubeconfig of the cluster's administrator: for people and for installing things, never for a component."""
        return self.directory / "admin.kubeconfig"

    @property
    def audit_log(self) -> Path:
        """One JSON line for every write, in the order of their ends."""
        return self.directory / "audit.log"

    def etcd(self) -> Component:
        """Describe etcd; it never waits for the disk, as a stack's data is worth less than its speed."""
        clients, peers = (f"http://127.0.0.1:{port}" for port in (self.etcd_port, self.etcd_peer_port))
        options = {
            "name": "secapi-dev",
            "data-dir": self.directory / "etcd",
            "listen-client-urls": clients,
            "advertise-client-urls": clients,
            "listen-peer-urls": peers,
            "initial-advertise-peer-urls": peers,
            "initial-cluster": f"secapi-dev={peers}",
            "unsafe-no-fsync": "true",
            "log-level": "warn",
        }
        argv = [str(self.binaries.etcd), *_flags(options)]
        return Component(name="etcd", argv=argv, ready=http_ok(f"{clients}/health"))

    def apiserver(self) -> Component:
        """Describe kube-apiserver; it may be started together with etcd, for which it waits."""
        options = {
            "etcd-servers": f"http://127.0.0.1:{self.etcd_port}",
            "bind-address": "127.0.0.1",
            "advertise-address": "127.0.0.1",
            "secure-port": self.port,
            "endpoint-reconciler-type": "none",
            "service-cluster-ip-range": "10.96.0.0/16",
            "authorization-mode": "RBAC",
            "client-ca-file": self._pki / "ca.crt",
            "tls-cert-file": self._pki / "apiserver.crt",
            "tls-private-key-file": self._pki / "apiserver.key",
            "service-account-issuer": ISSUER,
            "service-account-key-file": self._pki / "service-account.pub",
            "service-account-signing-key-file": self._pki / "service-account.key",
            "audit-policy-file": AUDIT_POLICY,
            "audit-log-path": self.audit_log,
            "profiling": "false",
        }
        context = ssl.create_default_context(cafile=str(self._pki / "ca.crt"))
        context.load_cert_chain(self._pki / "admin.crt", self._pki / "admin.key")
        argv = [str(self.binaries.kube_apiserver), *_flags(options)]
        return Component(
            name="apiserver",
            argv=argv,
            ready=http_ok(f"{self.url}/readyz", context),
            stop_signal=signal.SIGKILL,  # it keeps no state, and told to stop politely it would wait for etcd
        )

    @property
    def _pki(self) -> Path:
        return self.directory / "pki"


def _flags(options: Mapping[str, object]) -> list[str]:
    return [f"--{name}={value}" for name, value in options.items()]
