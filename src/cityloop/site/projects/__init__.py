"""The page every application project has without writing one: its lines, streams, watches and what it declares."""
