"""The duty room: the wall screen, the trace, the shift and its duty log (指挥)."""
