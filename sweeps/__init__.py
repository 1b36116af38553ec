"""The experiment: a grid of cells, its scheduling, its records and its tables."""
