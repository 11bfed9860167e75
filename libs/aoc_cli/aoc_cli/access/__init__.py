"""How the command line shows the gateway who runs it, and how it lets others in."""
