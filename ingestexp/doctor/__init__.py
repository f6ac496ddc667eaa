"""Examines the host before anyone believes a number: `python -m ingestexp.doctor`."""
