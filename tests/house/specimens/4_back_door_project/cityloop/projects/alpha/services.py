"""Indoors."""
