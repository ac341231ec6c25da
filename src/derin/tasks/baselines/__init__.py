"""What a network must beat: plain methods, fitted on the same training rows and chosen on the same validation rows."""
