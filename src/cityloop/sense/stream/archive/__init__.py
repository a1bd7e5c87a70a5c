"""Closed days: packed without loss to one row a stream and day, found by stream, time and id, and brought back."""
