"""Who may speak and listen over MQTT: the transport asks, the registry's book of tokens answers."""
