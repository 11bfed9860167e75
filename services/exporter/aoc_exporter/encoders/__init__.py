"""What is exported, in the formats that destinations read: one file a format. Pure."""
