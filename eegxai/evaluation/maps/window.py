"""The window of structural similarity, which its torch function and its CPU kernel share."""

WINDOW = 7  # pixels of structural similarity, to each side
AREA = WINDOW**2
SAMPLE = AREA / (AREA - 1)  # makes a window's variance that of a sample
