"""Answers graded by a model: the questions to it, its prompts, and what its words are worth."""
