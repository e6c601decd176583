"""A host in a cluster that is worth scanning: a TLS server with a self-signed, expired certificate, as a pod."""

from rendering import Object
from secapi_dev.demo.certificate import expired_certificate

NAME = "target"
PORT = 8443

_SERVER = f"""
import http.server, ssl
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain("/etc/target/tls.pem")
server = http.server.ThreadingHTTPServer(("0.0.0.0", {PORT}), http.server.BaseHTTPRequestHandler)
server.socket = context.wrap_socket(server.socket, server_side=True)
server.serve_forever()
"""


def target_host(image: str, pull_policy: str) -> list[Object]:
    """The objects; ``image`` is any that has Python."""
    labels = {"app": NAME}
    container = {
        "name": "target",
        "image": image,
        "imagePullPolicy": pull_policy,
        "command": ["python3", "/etc/target/server.py"],
        "ports": [{"containerPort": PORT}],
        "readinessProbe": {"tcpSocket": {"port": PORT}, "periodSeconds": 1},
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
        "volumeMounts": [{"name": "target", "mountPath": "/etc/target"}],
    }
    pod = {
        "automountServiceAccountToken": False,
        "securityContext": {"runAsNonRoot": True, "runAsUser": 10001, "seccompProfile": {"type": "RuntimeDefault"}},
        "containers": [container],
        "volumes": [{"name": "target", "configMap": {"name": NAME}}],
        "terminationGracePeriodSeconds": 1,
    }
    return [
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": NAME},
            "data": {"server.py": _SERVER, "tls.pem": expired_certificate(NAME).decode()},
        },
        {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": NAME, "labels": labels}, "spec": pod},
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": NAME},
            "spec": {"selector": labels, "ports": [{"port": PORT}]},
        },
    ]
