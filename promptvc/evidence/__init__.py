"""L1: write-once records of runs, comparisons, approvals and looks at hold-outs."""
