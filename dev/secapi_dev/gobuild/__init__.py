"""Programs built from pinned Go modules: once per pin, into the cache, with the Go of this machine or of a wheel."""
