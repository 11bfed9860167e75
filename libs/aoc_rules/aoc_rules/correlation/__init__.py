"""Correlations: what several events say together, in the time of the events. Without I/O."""
