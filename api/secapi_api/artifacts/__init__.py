"""Source archives: uploaded once, scanned by digest."""
