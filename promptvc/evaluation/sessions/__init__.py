"""Asking and grading together: what a run needs is opened, answers become results, a session keeps the account."""
