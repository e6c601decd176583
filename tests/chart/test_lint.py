"""Helm itself finds nothing to complain about."""

import pytest

from rendering import VALUES
from secapi_dev import paths
from secapi_dev.charttools.templating import Helm


@pytest.mark.parametrize("values", VALUES)
async def test_the_chart_passes_a_strict_lint(values: str, helm: Helm) -> None:
    output = await helm("lint", "--strict", "--quiet", paths.CHART, "--values", VALUES[values])
    assert "[ERROR]" not in output
    assert "[WARNING]" not in output
