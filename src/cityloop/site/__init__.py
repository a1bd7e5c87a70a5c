"""Composition only: settings, the loop, the wire, addresses, processes, the command line."""
