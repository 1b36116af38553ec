"""Which explanations of EEG decoders tell the truth? Simulate, decode, attribute, evaluate.

The science half of the project: it knows no Ray, no MLflow and no YAML, so that a notebook
can use it alone. The sweep over many decoders and methods lives in :mod:`sweeps`.
"""

__version__ = "0.1.0"
