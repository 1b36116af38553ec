"""The window of structural similarity, shared by its torch function and its CPU kernel."""

WINDOW = 7  # pixels on each side
WINDOW_AREA = WINDOW**2
SAMPLE = WINDOW_AREA / (WINDOW_AREA - 1)  # turns a window's variance into the sample variance
