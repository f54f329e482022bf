"""Files of feedback: our own rows, and what other tools export, one file a format."""
