"""Tests of figures, verdicts and the summary."""
