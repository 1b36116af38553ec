"""Controls of an evaluation: sanity checks (randomizations) and null maps (chance)."""
