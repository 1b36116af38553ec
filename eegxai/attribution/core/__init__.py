"""What every method is made of: the registry, its options, the input it starts from."""
