"""L1: what people and programs said about prompts: events, spool, segments, imports."""
