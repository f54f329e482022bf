"""Other tools' prompt formats: pure converters, bytes to prompts and back, each with the list of what it loses."""
