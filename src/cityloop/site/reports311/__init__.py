"""Reports of other cities, taken in through the public door, with an account of what was dirty."""
