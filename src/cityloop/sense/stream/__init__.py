"""The data plane's door of sense: arrays in, arrays out; no Django."""
