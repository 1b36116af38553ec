"""Pictures inside an HTML page: small PNGs that need no file beside it."""

import base64
import io
from dataclasses import dataclass

from PIL import Image

from eegxai.figures import save
from sweeps.report.picture import Picture

PAGE_DPI = 150  # of pictures on the page: sharp at their printed size, and small files
CSS_DPI = 96
N_COLOURS, REFINEMENTS = 256, 5


@dataclass(frozen=True)
class PageFigure:
    """A picture on the page."""

    name: str
    source: str
    width: int
    alt: str
    caption: str


def page_figure(picture: Picture) -> PageFigure:
    """A picture as the page has it."""
    drawn = io.BytesIO()
    save(picture.figure, drawn, "png", PAGE_DPI)
    source = base64.b64encode(palette_png(drawn.getvalue())).decode()
    return PageFigure(
        name=picture.name,
        source=f"data:image/png;base64,{source}",
        width=round(CSS_DPI * picture.figure.get_figwidth()),
        alt=picture.alt,
        caption=picture.caption,
    )


def palette_png(drawn: bytes) -> bytes:
    """A PNG of few colours: a quarter of the bytes, and colours that an eye takes for the same."""
    small = io.BytesIO()
    with Image.open(io.BytesIO(drawn)) as image:
        coverage = Image.Quantize.MAXCOVERAGE  # the median cut turns rare reds into greys
        few = image.convert("RGB").quantize(N_COLOURS, method=coverage, kmeans=REFINEMENTS)
        few.save(small, "png", optimize=True)
    return small.getvalue()
