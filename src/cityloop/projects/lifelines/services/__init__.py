"""Writes of the lifelines."""
