"""Tests of the SQL in `analysis/`, each on a small input made by hand."""
