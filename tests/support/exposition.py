"""Metrics as a scrape sees them."""

from collections import defaultdict
from collections.abc import Iterable

from prometheus_client.parser import text_string_to_metric_families

TARGET_LABELS = {"job", "instance", "pod"}
"""Labels that Prometheus adds to whatever it scrapes. It adds `namespace` too, but that is not the tenant's."""

Series = dict[str, list[dict[str, str]]]
"""Name of a sample → the labels of each of its series."""


def parsed(expositions: Iterable[str]) -> Series:
    """All series of several processes together."""
    series: Series = defaultdict(list)
    for text in expositions:
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                series[sample.name].append(dict(sample.labels))
    return dict(series)
