"""A feature type in its own package, found through the entry point in pyproject.toml."""

from eegxai.simulation import ClassSpec, FeatureSpec, Signal, add_feature

P3B = Signal(name="P3b", kind="peak", latency_ms=(400, 60), width_ms=(300, 40), amplitude=(12, 4))

MY_ODDBALL = add_feature(
    FeatureSpec(
        name="my_oddball",
        classes=(
            ClassSpec(name="target", signals=(P3B,), dipoles=("precuneus",), probability=0.2),
            ClassSpec(name="standard"),
        ),
    )
)
