"""The embedded stack: real servers and services as child processes on loopback, for a laptop and for tests."""
