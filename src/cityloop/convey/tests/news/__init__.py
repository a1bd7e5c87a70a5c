"""News on public topics."""
