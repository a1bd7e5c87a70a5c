"""The pages of convey: shared data, devices, nodes; one module a concern, each reached through the room's addresses."""
