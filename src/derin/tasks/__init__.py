"""What a network is trained to do: loss, metrics, decoding, calibration, sensible defaults."""
