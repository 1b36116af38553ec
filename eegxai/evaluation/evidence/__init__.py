"""Evidence on explanations that needs no ground truth: for recordings as people have them."""
