"""Datasets for fine-tuning: which records events give, in which split, and in which format they are written."""
