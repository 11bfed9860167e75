"""From the bytes of a raw page to readings: each record, recognised, and its facts."""
