"""A picture that is changed until a trained network sees in it what is wanted: style transfer and DeepDream."""
