"""Reads of the lifelines."""
