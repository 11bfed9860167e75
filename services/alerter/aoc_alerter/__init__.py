"""What is raised about events: the rules and how they are matched."""
