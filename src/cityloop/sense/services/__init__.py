"""Writes of sense for people and for other rooms; readings themselves are the pipeline's."""
