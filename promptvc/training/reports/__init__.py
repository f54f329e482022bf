"""A training as people and programs read it: one file for each format."""
