"""L2: prompts in git: history, revisions, differences, version numbers."""
