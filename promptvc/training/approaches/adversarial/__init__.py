"""adversarial: inputs made harder, and rules or examples for the ways in which the prompt then fails."""
