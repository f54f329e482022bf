"""promptvc: version control for LLM prompts, in git."""
