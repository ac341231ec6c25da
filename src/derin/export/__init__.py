"""What leaves the house: networks in forms that other programs run."""
