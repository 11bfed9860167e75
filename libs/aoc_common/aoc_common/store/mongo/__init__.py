"""MongoDB through motor, the driver that was asked for. The only package that imports it (see docs/adr/0002)."""
