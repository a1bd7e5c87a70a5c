"""News of readings and entities on public MQTT topics: announced by whoever commits, told by one notifier."""
