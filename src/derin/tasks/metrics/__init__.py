"""Measurements of tasks: sums on the device during a pass, numbers at its end."""
