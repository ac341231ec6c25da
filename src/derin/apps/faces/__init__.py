"""Faces: finding, comparing and recognizing them, and the gallery of the people who are known."""
