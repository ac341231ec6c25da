"""Pictures on disk: found, decoded once in parallel, kept in a mapped cache, and brought to what a network reads."""
