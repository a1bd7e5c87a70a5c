"""Pages of the registry: signing in, one's own account, people, the audit."""
