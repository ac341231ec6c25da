"""One file per peer; each trains the same networks through its documented interface and prints examples per second."""
