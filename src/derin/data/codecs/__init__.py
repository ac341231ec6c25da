"""What a column of each kind is on its way to a network: encoded in memory, gathered, moved, finished on the device."""
