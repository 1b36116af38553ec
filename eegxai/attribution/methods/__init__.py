"""The attribution methods, by family; importing a module registers its methods."""
