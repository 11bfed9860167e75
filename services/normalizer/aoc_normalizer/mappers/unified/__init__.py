"""Records of the unified audit log: what all have in common (`audit_log`), then one file a workload."""
