"""Writes of convey."""
