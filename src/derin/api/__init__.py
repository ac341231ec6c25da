"""Load, fit, open: the one place that joins the rooms."""
