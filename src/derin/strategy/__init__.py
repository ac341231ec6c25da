"""What is wrong with a run and what to do next: a run's numbers, read and put into words."""
