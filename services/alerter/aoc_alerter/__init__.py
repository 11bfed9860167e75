"""The alerter: finds in the events what rules describe, and raises alerts."""
