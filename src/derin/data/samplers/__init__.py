"""In which order the rows of a table come, and which of them make a batch."""
