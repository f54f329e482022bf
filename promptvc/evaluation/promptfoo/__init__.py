"""From promptfoo's configuration and CSV to prompts and suites of ours, with a list of all that is lost on the way."""
