"""Learning by examples out of feedback."""
