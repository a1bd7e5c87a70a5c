"""A storey no project has."""
