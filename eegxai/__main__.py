"""``python -m eegxai`` is the ``eegxai`` command, where no scripts are installed."""

import runpy

# By its name: the command belongs to the experiment, which this package does not import.
runpy.run_module("sweeps.cli", run_name="__main__", alter_sys=True)
