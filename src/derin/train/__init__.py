"""Training: the loop, how its steps are executed, optimizers, schedules, averages, guards and what listens to it."""
