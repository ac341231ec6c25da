"""What every room needs: errors, registries, configs, safe files, run folders, seeds. Imports no torch."""
