"""Scenarios: days of the past, reconstructed and played at their own times, with a guide through what they show."""
