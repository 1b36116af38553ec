"""The scores of a sweep as one tidy table: made, cached, selected."""
