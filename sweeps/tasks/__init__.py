"""What a worker does: pure functions of a cell and the store."""
