"""Stacks of maps: their domains, and what they are reduced to."""
