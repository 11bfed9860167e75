"""From mapped pages to MongoDB, AOC_EVENTS and the ledger."""
