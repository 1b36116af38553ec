"""Claims of a study as data, and the rules that decide them."""
