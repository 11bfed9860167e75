"""What all sinks share: outcomes, halving, pace, breaker, which addresses may be asked."""
