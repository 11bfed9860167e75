"""What a rule asks beside what is in the record: when it happened, from where, by whom, in which tenant."""
