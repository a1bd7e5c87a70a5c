"""Shared data for machines, free of Django: what is visible to whom, feeds, webhooks, OGC API Features, the log."""
