"""The window of structural similarity, shared by its torch function and its CPU kernel."""

WINDOW = 7  # pixels on each side
AREA = WINDOW**2
SAMPLE = AREA / (AREA - 1)  # turns a window's variance into the sample variance
