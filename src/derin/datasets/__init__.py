"""Data sets that are known by name, and sets that are made by a rule."""
