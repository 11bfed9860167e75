"""Reading single fields out of records: times, addresses, name/value lists, text. Pure functions that never raise."""
