"""The kit that every service is made with.

- `run`: the life of the process: settings, logs, tracing, addresses, signals, drain, exit status
- `worker`: a service of consumers and periodic tasks; `Parts` is what its `build` adds them to
- `resources`: the bus, the database and the clock, connected and checked
- `tasks`: work that is done again each interval
- `probes`: /livez, /readyz and /metrics
- `drift`: whether streams, consumers and indexes are still as declared
- `heartbeat`, `standstill`, `standstill_monitor`: signs of life, what they mean, and who looks at them
"""
