"""Synchronises each tenant's directory: who and what its ids are, and who holds which roles."""
