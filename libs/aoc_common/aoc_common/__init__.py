"""What every AOC service shares: contracts, bus, store, telemetry."""
