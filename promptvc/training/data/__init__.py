"""From events and a suite to what training may see and what it never does: claims, items, the split, signals."""
