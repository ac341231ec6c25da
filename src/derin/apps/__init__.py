"""Things that people use, built from the parts of the house."""
