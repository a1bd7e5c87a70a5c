"""What nodes say to each other: envelopes in an outbox, carried by request and answer over a leaf connection."""
