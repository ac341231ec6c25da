"""A trained network as a page that computes: its graph, its weights, and an input of one's own."""
