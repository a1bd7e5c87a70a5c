"""Measures a city of its own on this machine: every figure with its unit, beside its limit in the same run."""
