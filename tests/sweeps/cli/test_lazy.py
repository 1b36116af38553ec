"""Commands are imported when they are run: help, completion and mistakes answer at once."""

import inspect
import os
import subprocess
import sys
from importlib import import_module

import pytest
from typer.testing import CliRunner

import eegxai
from sweeps.cli import COMMANDS, app
from tests.paths import ROOT

HEAVY = ("torch", "ray", "mlflow", "mne", "pandas", "matplotlib")
MOST_CPU_SECONDS = 1.5  # 0.3 on the machine where it was written; torch alone takes 1.5
RUN = f"""
import resource, sys
from sweeps.cli import main
code = 0
try:
    main()
except SystemExit as stop:
    code = stop.code or 0
used = resource.getrusage(resource.RUSAGE_SELF)
print("loaded:", *[name for name in {HEAVY} if name in sys.modules], file=sys.stderr)
print("seconds:", used.ru_utime + used.ru_stime, file=sys.stderr)
sys.exit(code)
"""


def eegxai_command(*arguments, **variables):
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **variables}
    return subprocess.run(
        [sys.executable, "-c", RUN, *arguments], env=environment, capture_output=True, text=True
    )


def completing(words):
    return {
        "_EEGXAI_COMPLETE": "complete_bash",
        "COMP_WORDS": words,
        "COMP_CWORD": str(len(words.split(" ")) - 1),
    }


@pytest.mark.parametrize(
    ("arguments", "variables", "code", "words"),
    [
        (["--help"], {}, 0, "Which explanations of EEG decoders"),
        (["-h"], {}, 0, "Which explanations of EEG decoders"),
        (["--version"], {}, 0, f"eegxai {eegxai.__version__}"),
        (["swep"], {}, 2, "No such command 'swep'"),
        (["--locale"], {}, 2, "No such option"),
        ([], completing("eegxai st"), 0, "status\nstatistics"),
    ],
    ids=["help", "short help", "version", "unknown command", "unknown option", "completion"],
)
def test_it_answers_at_once(arguments, variables, code, words):
    done = eegxai_command(*arguments, **variables)
    assert done.returncode == code, done.stderr
    assert words in done.stdout + done.stderr
    last = dict(line.split(":", 1) for line in done.stderr.strip().splitlines()[-2:])
    assert last["loaded"].strip() == ""
    assert float(last["seconds"]) < MOST_CPU_SECONDS


@pytest.mark.parametrize("name", COMMANDS)
def test_the_line_of_a_command_is_that_of_its_function(name):
    module, _, function = COMMANDS[name].target.partition(":")
    told = inspect.getdoc(getattr(import_module(module), function))
    assert told.partition("\n")[0] == COMMANDS[name].summary


@pytest.mark.parametrize("name", COMMANDS)
@pytest.mark.parametrize("option", ["--help", "-h"])
def test_each_command_has_its_own_help(name, option):
    result = CliRunner().invoke(app, [name, option])
    assert result.exit_code == 0, result.output
    assert " ".join(COMMANDS[name].summary.split()[:4]) in " ".join(result.output.split())


@pytest.mark.slow
def test_options_of_a_command_are_completed():
    done = eegxai_command(**completing("eegxai sweep --lo"))
    assert "--local" in done.stdout


@pytest.mark.slow
def test_an_old_name_is_reported_in_one_plain_line(tiny_file):
    done = eegxai_command("grid", str(tiny_file), "grid.method=[baselines]")
    assert done.returncode == 0, done.stderr
    warned = [line for line in done.stderr.splitlines() if "baselines" in line]
    assert len(warned) == 1
    assert warned[0].startswith("eegxai: grid.method=baselines is now called grid.method=controls;")
