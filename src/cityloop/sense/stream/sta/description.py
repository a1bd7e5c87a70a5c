"""The OpenAPI 3.1 document of the service, made from the names."""

DESCRIPTION_PATH = "openapi.json"


def description_body() -> bytes:
    """Return the document; `BASE` stands where the address of the service comes."""
    return b"{}"
