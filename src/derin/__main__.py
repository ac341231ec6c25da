"""`python -m derin`."""

from derin.cli.main import main

main()
