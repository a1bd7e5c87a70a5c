"""OGC API Features 1.0, Part 1 core with GeoJSON and OpenAPI 3.0: places of the data sets with their latest values."""
