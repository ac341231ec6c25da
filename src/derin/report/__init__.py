"""report.html from a run's folder: one file that loads nothing from elsewhere."""

from derin.report.page import write_report

__all__ = ["write_report"]
