"""The version of Derin, apart so that it is read without importing anything."""

__version__ = "0.1.0"
