"""Tasks of devices on the data plane: given, delivered, answered, ended."""
