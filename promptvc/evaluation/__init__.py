"""L2: suites, assertions, runs, comparisons and their verdicts."""
