"""L3: environments, gates, holds: which version runs where."""
