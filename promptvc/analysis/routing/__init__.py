"""Which way a task takes: prompt, framework, model and techniques, by what is configured and what feedback says."""
