"""A faithful simulator of Microsoft 365."""
