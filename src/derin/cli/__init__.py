"""The command line: one file per command. Modules import nothing heavy before their command runs."""
