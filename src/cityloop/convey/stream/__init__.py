"""The data plane of the transport: from JetStream to columns of readings, without Django."""
