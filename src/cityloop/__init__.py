"""Cityloop: a city's closed loop, from the sensor that reads to the indicator that answers for it."""

__version__ = "0.1.0"
