"""Measurements over time: how far apart they are, windows into them, and the way from them to a network."""
