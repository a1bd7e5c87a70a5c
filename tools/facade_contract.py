"""An import contract of our own: a room is entered by its facade or its stream, never by a back door."""

from typing import Any

from grimp import ImportGraph
from importlinter import Contract, ContractCheck, fields, output


class FacadeContract(Contract):
    """Fails where a module of a room that is not one of its doors is imported from outside the room.

    Options:
        root: the package whose children are the rooms.
        doors: names of the modules of a room that others may import, with all below them.
        open_rooms: rooms that are one vocabulary and have no door.
        nested: packages whose children are rooms in their own right.
    """

    type_name = "facade"

    root = fields.StringField()
    doors = fields.SetField(subfield=fields.StringField())
    open_rooms = fields.SetField(subfield=fields.StringField(), required=False)
    nested = fields.SetField(subfield=fields.StringField(), required=False)

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:  # noqa: ARG002, FBT001  signature is given
        """Return whether every import from outside goes through a door."""
        back_doors = [
            (importer, module)
            for room in self._rooms(graph)
            for module in sorted(graph.find_descendants(room))
            if self._is_indoors(module, room)
            for importer in sorted(graph.find_modules_that_directly_import(module))
            if not (importer == room or importer.startswith(f"{room}."))
        ]
        return ContractCheck(kept=not back_doors, metadata={"back_doors": back_doors})

    def render_broken_contract(self, check: ContractCheck) -> None:
        """Name each import that goes through a back door."""
        for importer, module in check.metadata["back_doors"]:
            output.print_error(f"- {importer} imports {module}: enter by the facade or the stream")

    def _rooms(self, graph: ImportGraph) -> list[str]:
        root: Any = self.root
        nested = {f"{root}.{name}" for name in self.nested or ()}
        closed = {f"{root}.{name}" for name in self.open_rooms or ()}
        rooms = [room for room in graph.find_children(root) if room not in closed and room not in nested]
        return sorted([*rooms, *(project for package in nested for project in graph.find_children(package))])

    def _is_indoors(self, module: str, room: str) -> bool:
        storey = module.removeprefix(f"{room}.").split(".")[0]
        doors: Any = self.doors
        return storey not in doors
