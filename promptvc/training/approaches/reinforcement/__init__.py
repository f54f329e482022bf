"""Learning by what was rewarded: ratings, thumbs, corrections, errors and scores."""
