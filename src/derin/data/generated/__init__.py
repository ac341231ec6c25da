"""Data sets that are made by a documented rule."""
