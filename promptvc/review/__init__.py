"""What a reviewer is told: the report on a candidate, whom to ask, and what a forge shows of it."""
