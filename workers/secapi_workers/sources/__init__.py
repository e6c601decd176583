"""From a target to what a scanner can be pointed at: a checked address or a tree of plain files."""
