"""Who and where: areas, organisations, people, roles, access and its audit."""
