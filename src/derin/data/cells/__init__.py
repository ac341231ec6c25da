"""Cells of tables: what a text says as a number, a date, a category; and how columns of them become numbers."""
