"""CustomResourceDefinitions from the Pydantic types in ``secapi_core.crds``: pure functions from types to YAML."""
