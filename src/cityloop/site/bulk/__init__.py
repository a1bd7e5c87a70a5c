"""Composes loading and exporting: the history's writers, the pipeline, the terminal."""
