"""Rules: Sigma read, checked and matched, what they find as alerts know it, and the pack that comes along. No I/O."""
