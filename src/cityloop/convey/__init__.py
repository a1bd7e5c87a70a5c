"""The transport network: how readings reach the city, acknowledged, exactly once."""
