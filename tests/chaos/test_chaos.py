"""Ten sweeps in hard weather end as if left in peace; more of them by hand (docs/clusters.md)."""

import subprocess
import sys
from pathlib import Path
from random import Random

import pytest

from tests.chaos.weather import WEATHERS
from tests.paths import ROOT
from tests.sweeps.processes import environment


@pytest.mark.slow
@pytest.mark.cluster
@pytest.mark.timeout(1800)
@pytest.mark.skipif(sys.platform != "linux", reason="forks, and reads /proc")
def test_ten_sweeps_in_hard_weather_end_as_if_left_in_peace(tmp_path):
    command = [sys.executable, "-m", "tests.chaos", "--runs", "10", "--seed", "1000"]
    command += ["--keep", str(tmp_path)]
    alone = environment(OMP_NUM_THREADS="1", NUMBA_NUM_THREADS="1")
    done = subprocess.run(
        command, env=alone, cwd=ROOT, capture_output=True, text=True, timeout=1800, check=False
    )
    kept = "\n".join(path.read_text() for path in tmp_path.iterdir())
    assert done.returncode == 0, f"{done.stdout}{done.stderr}{kept}"
    assert "10 runs, 0 not as in peace" in done.stdout


def test_a_file_is_torn_and_the_rest_stays(tmp_path):
    """What the weather does is what its name says: here as an example of one."""
    places = type("Places", (), {"output": tmp_path})
    (tmp_path / "mlflow.db").write_bytes(b"x" * 100)
    WEATHERS["database torn"].strike(places, Random(0))
    assert [path.name for path in Path(tmp_path).iterdir()] == ["mlflow.db"]
    assert (tmp_path / "mlflow.db").stat().st_size < 100
