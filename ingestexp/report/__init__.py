"""Evidence to figures, verdicts and tables. Reads run folders and `analysis/`; knows nothing of how a run is made."""
