"""One file per peer; each trains the same three networks through its own documented interface and prints examples per second."""
