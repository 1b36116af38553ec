"""What every part imports: once, in the process that the parts' processes are forked from."""

import contextlib

import torch._dynamo  # noqa: F401  (the first optimizer of a process imports it)

import eegxai.attribution
import eegxai.decoders
import eegxai.evaluation.maps.cpu_kernels
import eegxai.evaluation.maps.cpu_order_kernels
import eegxai.simulation  # noqa: F401
from eegxai.decoders.zoo import braindecode

with contextlib.suppress(ImportError):  # each part says so where it needs it
    braindecode("models")
