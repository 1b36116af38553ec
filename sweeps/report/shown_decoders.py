"""Which decoders a picture shows, in words and as marks, and what speaks against its methods."""

import pandas as pd

from eegxai.rounding import counted, decibels
from sweeps.design.cells import DecoderCell
from sweeps.report.shown_methods import marked_methods, methods_line
from sweeps.scores.selection import DECODER_AXES
from sweeps.scores.words import MARK, line_of_decoder, listed, name_of_decoder


def title_of(what: str, tidy: pd.DataFrame) -> str:
    """Lines of a title: what a picture shows, of which decoders, and what its marks mean."""
    lines = (what, decoders_line(tidy), at_chance_line(tidy), methods_line(tidy))
    return "\n".join(filter(None, lines))


def as_sentences(title: str) -> str:
    """The lines of a title as text."""
    return title.replace("\n", " ")


def decoders_line(tidy: pd.DataFrame) -> str:
    """Such as ``Decoders: deepnet at −12 and −3.5 dB; 6 for each feature type (3 seeds)``."""
    decoders = tidy.drop_duplicates(DECODER_AXES)
    levels = [decibels(level) for level in sorted(decoders["snr_db"].unique())]
    counts = decoders["feature"].value_counts(sort=False)
    repeated = [counted(decoders["seed"].nunique(), "seed")]
    if decoders["fold"].nunique() > 1:
        repeated.append(counted(decoders["fold"].nunique(), "fold"))
    return (
        f"Decoders: {', '.join(decoders['architecture'].unique())} at {listed(levels)} dB; "
        f"{_counts_by_feature(counts)} ({', '.join(repeated)})."
    )


def _counts_by_feature(counts: pd.Series) -> str:
    """How many there are for each feature type."""
    if len(counts) > 1 and counts.nunique() == 1:
        return f"{counts.iloc[0]} for each feature type"
    return ", ".join(f"{count} {feature}" for feature, count in counts.items())


def at_chance_line(tidy: pd.DataFrame) -> str:
    """Such as ``† no better than chance, left out: 2 of 6 spatial decoders``; empty if none."""
    counts = [f"{n} of {n_all} {name}" for name, (n, n_all) in _at_chance(tidy).items() if n]
    kept = tidy.loc[tidy["at_chance"].eq(True), "mean"].notna().any()
    what = f"{MARK} no better than chance, {'included' if kept else 'left out'}"
    return f"{what}: {', '.join(counts)} decoders." * bool(counts)


def marked(table: pd.DataFrame, tidy: pd.DataFrame) -> pd.DataFrame:
    """A table whose feature types are marked where some decoders are no better than chance.

    Its methods are marked where something speaks against their maps.
    """
    names = {name: f"{name}{MARK}" for name, (n, _) in _at_chance(tidy).items() if n}
    return marked_methods(table.assign(feature=table["feature"].replace(names)), tidy)


def _at_chance(tidy: pd.DataFrame) -> dict[str, tuple[int, int]]:
    """Of each feature type how many decoders are no better than chance, and how many there are."""
    decoders = tidy.drop_duplicates(DECODER_AXES)
    at_chance = decoders["at_chance"].eq(True).groupby(decoders["feature"], sort=False)
    return {str(name): (int(those.sum()), len(those)) for name, those in at_chance}


def decoder_line(decoder: DecoderCell, tidy: pd.DataFrame) -> str:
    """Line of one decoder, with how well it decodes as far as the scores tell."""
    known = rows_of_decoders(decoder, tidy)
    if known.empty:
        return f"{name_of_decoder(decoder)}."
    return line_of_decoder(decoder, known["accuracy"].iloc[0], known["at_chance"].eq(True).iloc[0])


def rows_of_decoders(decoder: DecoderCell, tidy: pd.DataFrame) -> pd.DataFrame:
    """The scores of one decoder."""
    return tidy[(tidy[DECODER_AXES] == pd.Series(decoder.axes)[DECODER_AXES]).all(axis=1)]
