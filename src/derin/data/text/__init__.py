"""Text to numbers: casing, tokenizers, vocabularies, and the sources of batches of unequal length."""
