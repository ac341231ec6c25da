"""Looking into a network: what its layers do with a picture, and which parts of the picture decide."""
