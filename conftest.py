"""Fixtures of the whole test run.

The throw-away PostgreSQL is started by the early plugin `tests/engines.py` (`-p tests.engines` in pyproject.toml):
pytest-django reads Django's settings before any conftest is imported.
"""
