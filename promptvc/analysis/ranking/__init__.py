"""Which prompt serves a task best: what it says, what people said of it, and what they chose."""
