"""Parts of the exporter that take many lines to wire."""
