"""Open311 GeoReport v2 as one ASGI application without Django."""
