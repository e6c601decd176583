"""Who has which role in a namespace, managed by the namespace's admins."""
