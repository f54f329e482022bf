"""Asking models: tasks, the completion cache, budgets, and the results as they come."""
