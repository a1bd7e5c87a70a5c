"""Reads of sense for people and for other rooms."""
