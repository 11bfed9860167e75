"""Microsoft's sign-in service: who signs tokens, with which keys, and what is a token at all."""
