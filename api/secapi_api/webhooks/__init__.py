"""Who is told of what happens in a namespace, and what they were told; for the namespace's admins."""
