"""Pages of the lifelines."""
