"""Respond: one engine from signal to case to task."""
