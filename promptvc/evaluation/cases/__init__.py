"""Where the cases of a suite come from."""
