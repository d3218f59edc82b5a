//! The time-series store: write-ahead log, head, Parquet blocks.
