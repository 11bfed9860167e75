"""The live tail: new events of a tenant, as Server-Sent Events (docs/adr/0047-live-tail.md)."""
