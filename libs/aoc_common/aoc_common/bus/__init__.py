"""NATS JetStream: connection, streams, publishing and consuming with one policy for failures."""
