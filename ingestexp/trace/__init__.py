"""The evidence: row schemas, the recorder, the Parquet writer, and the reader that balances the ledger."""
