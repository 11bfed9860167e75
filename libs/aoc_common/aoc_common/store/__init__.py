"""Storage: the ports that services use, and their MongoDB implementation."""
