"""Files that make a destination ready, made from what the exporter sends."""
