"""Data sets that are made by a rule."""
