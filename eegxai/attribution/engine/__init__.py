"""Passes through a decoder: gradients by other rules, recorded and shared ones, placement."""
