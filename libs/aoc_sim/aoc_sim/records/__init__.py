"""Record builders, one module a workload. A builder takes a scene and gives a record as Microsoft would write it."""
