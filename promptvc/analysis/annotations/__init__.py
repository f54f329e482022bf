"""Reviews by people: what they are asked, how far they agree, what is disputed, and what waits for whom."""
