"""Folders and archives of pictures: listed, decoded, kept on disk."""
