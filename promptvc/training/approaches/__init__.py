"""The approaches, one a file."""
