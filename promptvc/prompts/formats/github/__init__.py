"""GitHub's ``.prompt.yml``, value by value: no file is read or written here, and no prompt is made.

Every command that reads a prompt imports most of this, and few ever meet such a file. So values are named tuples, which
take a seventh of the time that a dataclass takes to be defined, and patterns are compiled when first wanted.
"""
