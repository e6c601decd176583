"""Who calls, and what they may do. Every permission check of the API is a method of :class:`callers.Caller`."""
