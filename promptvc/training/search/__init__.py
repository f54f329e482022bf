"""The search that all approaches share: rounds of variants, raced in pairs on training cases."""
