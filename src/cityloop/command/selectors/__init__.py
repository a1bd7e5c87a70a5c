"""Reads of the duty room."""
