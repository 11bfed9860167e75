"""Collects audit records from Microsoft's APIs and publishes them as raw pages."""
