"""Sounds: decoded, brought to one rate, seen as spectrograms."""
