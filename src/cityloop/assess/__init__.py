"""Assess: indicators made of what the cases say, and the shortfalls that go back to respond."""
