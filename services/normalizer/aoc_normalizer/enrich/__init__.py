"""What a record does not say itself: names and standing from the directory, places, user agents."""
