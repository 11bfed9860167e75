"""Records of one action that Microsoft delivers through two APIs: how they are recognised, paired and linked."""
