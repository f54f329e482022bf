"""L5: the command line: parse, call once, print."""
