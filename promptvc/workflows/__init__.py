"""L4: one user story a file; ``project`` opens the parts."""
