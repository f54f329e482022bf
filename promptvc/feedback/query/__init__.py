"""Questions about events: one set of them, answered by plain Python, by DuckDB, or where the events live."""
