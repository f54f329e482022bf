"""L0: what everything stands on. Imports nothing else of promptvc."""
