"""The design of a sweep: its configuration and its cells."""
