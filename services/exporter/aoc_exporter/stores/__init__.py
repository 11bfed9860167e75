"""Where files go: a folder of this machine, or an object store."""
