"""Pages of the lifelines; each shows what was read up to the instant that `?at=` names."""
