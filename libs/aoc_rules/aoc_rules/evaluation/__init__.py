"""What correlations find in hits, over any store of them: the alerter's and that of a back-test alike."""
