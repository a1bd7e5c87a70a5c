"""Reads of convey."""
