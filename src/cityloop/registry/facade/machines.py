"""Machines at pages that both people and machines read."""

from django.http import HttpRequest

from cityloop.registry.selectors.machines import machine_with
from cityloop.registry.stream import TokenRights


def machine_of(request: HttpRequest) -> TokenRights | None:
    """Return the rights of the token that came with a request, None where none or no valid one did.

    For control-plane pages; the data plane asks `registry.stream.Rights`.
    """
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return machine_with(token.strip()) if scheme.lower() == "bearer" and token else None
