"""What goes to addresses that a setting names: which may be asked, secrets by reference, refusals, signatures."""
