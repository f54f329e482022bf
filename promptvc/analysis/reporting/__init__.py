"""Reports on feedback: a period against the one before, and what got worse over the past year."""
