"""L1: prompts as values: load, render, edit in place."""
