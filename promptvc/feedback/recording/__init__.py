"""Recording events out of a running application: it pays microseconds, and is never raised into."""
