"""What is asked of events: the grammar that people type, and the filters that it stands for. Pure.

- `filters`: a query as data: clauses of values, each with what an index can serve of it and what is left to check.
- `values`: from what somebody asks of one field, or of the text, to such a value.
- `grammar`: from a text to clauses.
- `matching`: whether an event matches.
"""
