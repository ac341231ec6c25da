"""What people have on disk, read into tables: one file per form."""
