"""L2: folds over events: what the feedback says."""
