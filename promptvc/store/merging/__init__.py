"""Bringing two versions of a prompt together: by items, by keys, by lines, and never by a guess."""
