"""Videos, frame by frame: read from any file that FFmpeg knows, and written as H.264 or VP9."""
