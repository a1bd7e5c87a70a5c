"""Application projects: one folder each, all of one shape."""
