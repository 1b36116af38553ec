"""``python -m sweeps.cli`` is the ``eegxai`` command, where no scripts are installed."""

from sweeps.cli import main

main()
