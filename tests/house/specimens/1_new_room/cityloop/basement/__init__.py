"""A room that is in no plan."""
