"""The vocabulary all rooms share: facts, levels, quality, clocks, places, declarations, errors. Pure Python."""
