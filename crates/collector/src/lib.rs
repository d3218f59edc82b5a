//! Measures this machine and probes others: the sources of samples.
