"""Writes of respond, one transaction a function: the item library, signals that open cases, steps of cases."""
