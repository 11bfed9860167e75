"""What stands around encoded entries on their way to a destination: one file a protocol. Pure."""
