"""The data plane's door of respond: reports of the public, in and out; no Django."""
