"""OGC SensorThings API 1.1 as one ASGI application without Django."""

from cityloop.sense.stream.sta.application import build

__all__ = ["build"]
