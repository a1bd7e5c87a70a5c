"""A storey no room has."""
