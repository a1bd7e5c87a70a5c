"""Terminals of devices, each a process of its own. What they send is simulated."""
