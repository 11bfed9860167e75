"""Microsoft's sign-in service: who signs tokens, and the keys that it publishes."""
