"""Probes and metrics, for machines inside the cluster; none needs a key and none tells more than up or down."""

from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from secapi_api.dependencies import AppResources
from secapi_api.health.schemas import Alive, Ready
from secapi_api.problems import documented

router = APIRouter(tags=["health"])


@router.get("/healthz")
async def get_liveness() -> Alive:
    """Whether this process answers at all; says nothing about what it depends on."""
    return Alive()


@router.get("/readyz", responses=documented(503))
async def get_readiness(resources: AppResources) -> Ready:
    """Whether requests can be served: the database and the Kubernetes API answer."""
    await resources.readiness.check()
    return Ready()


@router.get("/metrics", include_in_schema=False)
async def get_metrics() -> Response:
    """Prometheus' text format."""
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)
