"""Few trials for what takes hundreds of passes each."""

import pytest

from eegxai.explaining import cross_checks


@pytest.fixture(autouse=True, scope="module")
def few_replaced_trials():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cross_checks, "N_REPLACED_TRIALS", 2)
        yield
