"""Keeps the city's processes alive: starts them in order, brings back what dies, stops them in order."""

from cityloop.site.supervisor.child import Child, ChildNotReadyError, ChildSpec, Stage
from cityloop.site.supervisor.supervisor import Supervisor

__all__ = ["Child", "ChildNotReadyError", "ChildSpec", "Stage", "Supervisor"]
