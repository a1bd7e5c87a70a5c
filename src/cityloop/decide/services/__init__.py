"""Writes of this room: one transaction a function."""
