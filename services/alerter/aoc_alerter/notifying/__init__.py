"""People are told of alerts: which, by which route, when, in which words, and once."""
