"""Readings by the million: out of the history into Parquet and CSV files, and back."""
