"""What people have on disk, as tables; and the reading recipe that training, evaluation and prediction share."""
