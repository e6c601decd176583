"""Where the checkout and the cache are."""

import os
from pathlib import Path

# The local stack runs from a checkout, the only place that has the generated manifests.
CHECKOUT = Path(__file__).resolve().parents[2]
CRDS = CHECKOUT / "manifests" / "crds"
SAMPLES = CHECKOUT / "manifests" / "samples"
CATALOGUE = CHECKOUT / "workers" / "secapi_workers" / "catalogue"
MANIFESTS = CHECKOUT / "manifests"
CHART = CHECKOUT / "charts" / "secapi"


def cache() -> Path:
    """Give the directory for what takes long to make and may be made again: ``~/.cache/secapi``."""
    home = os.environ.get("XDG_CACHE_HOME")
    return (Path(home) if home else Path.home() / ".cache") / "secapi"
