"""Programs that make and check the chart, built from Go modules that are pinned in a folder each."""
