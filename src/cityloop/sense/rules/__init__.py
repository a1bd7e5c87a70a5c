"""Rules of sense: what a task may ask of a device, and how a task stands."""
