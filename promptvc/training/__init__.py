"""L3: from events to a candidate: approaches, search, hold-out."""
