"""Device protocols: one folder each, found on disk; `port` says what a protocol offers."""
