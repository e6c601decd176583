"""A real Kubernetes control plane without nodes: etcd and kube-apiserver, built from pinned Go modules.

There are no controllers: nothing is garbage-collected, a deleted namespace stays ``Terminating``, no pod ever runs.
SecAPI needs none of that; what it does need (CRDs, watches, RBAC, admission by CEL, audit) is all in the API server.
"""
