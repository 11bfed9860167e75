"""Sigma rules, compiled once and matched in this process. Pure: no I/O, no clock, no state outside of what it is given.

`reading.read` makes rules of YAML, `compiling.compile_rule` matchers of rules, and `ruleset.RuleSet` finds those of
many rules that an event matches. What a rule's field means in which kind of record stands in `fields` and `aliases`.
"""
