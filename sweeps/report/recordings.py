"""What a report says of the recordings that signals were planted in."""

from eegxai.simulation.implanting import background_notes
from sweeps.design.config import SweepConfig

IDEAL_NAME, ESTIMATED_NAME = "ideal observer", "estimated ideal observer"


def observer_of(config: SweepConfig) -> str:
    """What the ideal observer is called: in recordings it is an estimate and no ceiling."""
    return ESTIMATED_NAME if config.data.background else IDEAL_NAME


def recordings_told(config: SweepConfig) -> list[str]:
    """What was decided about the recordings that signals are planted in, each sentence once."""
    told = (
        sentence
        for each in config.features
        for sentence in background_notes(config.first_data_of(each))
    )
    return list(dict.fromkeys(told))


def truth_sentence(config: SweepConfig) -> str:
    """Why the answer is known."""
    if not (background := config.data.background):
        return (
            "In simulated EEG the answer is known: signals were planted, and what a decoder used "
            "of them can be measured."
        )
    return (
        f"Here simulated signals were planted in recorded EEG ({background.file}), which is the "
        "noise: what was planted is known, and what a decoder used of it can be measured. The "
        "covariance of this noise is estimated, and so is the ideal observer; it is no ceiling, "
        "and a method can score higher (an efficiency above 1)."
    )
