"""GitHub's ``.prompt.yml``, value by value: no file is read or written here, and no prompt is made."""
