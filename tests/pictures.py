"""What a picture file holds."""

import numpy as np
from PIL import Image


def pixels(path):
    """Colours (rows, columns, 3) of a PNG that can be decoded to its end and is not blank."""
    with Image.open(path) as image:
        assert image.format == "PNG"
        image.load()
        found = np.asarray(image.convert("RGB"))
    assert len(np.unique(found.reshape(-1, 3), axis=0)) > 10
    return found
