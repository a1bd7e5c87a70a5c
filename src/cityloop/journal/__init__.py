"""Facts in one append-only journal, cursors of the listeners, the causal trace, the live feed."""
