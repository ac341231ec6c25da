"""The glass box: every number of a network's forward pass, backward pass and update, with the formula that made it."""
