"""The custom resources of group ``secapi.dev``, version ``v1alpha1``: one module per kind.

These Pydantic types are the source: the CRD YAML under ``manifests/crds`` is generated from them, the REST API uses
them as bodies, the operator and the workers read objects through them.
"""
