"""Reads of the lifelines: the day of a line, its curve, what both are made of."""
