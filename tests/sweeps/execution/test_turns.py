"""One sweep at a time into one folder; whoever comes second says so and waits."""

import subprocess
import sys
import threading

from sweeps.execution.turns import turn
from tests.sweeps.processes import environment, wait_for

HOLDER = """
import sys, time
from pathlib import Path
from sweeps.execution.turns import turn
with turn(Path(sys.argv[1]), print):
    print("mine", flush=True)
    time.sleep(60)
"""


def test_a_second_process_waits_and_goes_on_when_the_first_is_killed(tmp_path):
    first = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path)],
        env=environment(), stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    said, entered = [], threading.Event()

    def second():
        with turn(tmp_path, said.append):
            entered.set()

    try:
        assert first.stdout.readline() == "mine\n"
        thread = threading.Thread(target=second, daemon=True)
        thread.start()
        wait_for(lambda: said)
        assert not entered.is_set()
    finally:
        first.kill()
        first.wait()
    thread.join(timeout=30)
    assert entered.is_set()
    assert "another sweep is writing to" in said[0]


def test_turns_follow_each_other(tmp_path):
    said = []
    for _ in range(2):
        with turn(tmp_path / "new" / "folder", said.append):
            pass
    assert not said
