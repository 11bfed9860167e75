"""Work beside the batches: pages and slices that nobody ends, names that come late, what waits for a decision."""
