//! The browser interface, embedded into the binary.
