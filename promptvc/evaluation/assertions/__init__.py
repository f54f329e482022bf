"""What is asserted of one answer: a file for each family of assertions, and the registry of their names."""
