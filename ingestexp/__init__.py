"""Declarative experiments for batching ingest pipelines: YAML asks, Python runs, SQL answers."""

__version__ = "0.1.0"
