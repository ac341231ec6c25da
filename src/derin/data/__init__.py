"""Data as tables: columns, what they mean, splits, and a report of everything that was noticed while reading."""
