"""What a GPU does, measured in one command, in under eight minutes and without Ray.

    python -m benchmarks.gpu --out FILE [--minutes 8] [--parts NAME,...] [--miniature]

Trainings, explanations and evaluations are compared with a plain PyTorch loop, captum and grad-cam
in the same run, and their numbers with the CPU's. FILE is Markdown for docs/benchmarks.md, and a
JSON file beside it holds the same rows. Both are written after every row, so that whatever ends the
program loses nothing. On a machine without CUDA it measures the CPU and says what it left out.
"""

import argparse
import math
import time
from pathlib import Path

from benchmarks.gpu import report
from benchmarks.gpu.parts import Outcome, Part, run
from benchmarks.gpu.sizes import MINIATURE, Sizes

HEADING = "## A GPU: `python -m benchmarks.gpu --out FILE`"
# What is most worth knowing comes first; together they have less time than the program.
PARTS = (
    Part(
        "card",
        "Device",
        "Versions, and the peaks that the shares below are of: products of two square matrices.",
        "card:rows",
        60,
    ),
    Part(
        "numbers",
        "Numbers compared with the CPU's",
        "Largest difference from the CPU, relative to the largest value of each map, and the "
        "tolerance it is held to.",
        "numbers:rows",
        60,
    ),
    Part(
        "training",
        "Training",
        "Trials/s of whole epochs with their validation, all trials in the memory of the device. "
        "The plain loop has a DataLoader in the memory of the computer, float32 and torch's "
        "defaults. The share is that of the peak of the same number type.",
        "training:rows",
        110,
    ),
    Part(
        "memory",
        "Out of memory",
        "All of the device's memory but a little is taken by another tensor, so that what is asked "
        "for does not fit; the results are those of enough memory.",
        "memory:rows",
        30,
    ),
    Part(
        "attribution",
        "Attribution",
        "Seconds of a method on the study's network, as captum and grad-cam compute it with their "
        "defaults in batches of 128, and as we do.",
        "explaining:attribution_rows",
        80,
    ),
    Part(
        "evaluation",
        "Whole evaluation",
        "Seconds of all checks and scores of a method on the study's network.",
        "explaining:evaluation_rows",
        70,
    ),
    Part(
        "sharing",
        "Decoders that share the device",
        "Trials/s of all processes together, each of which trains the study's network.",
        "sharing:rows",
        45,
    ),
    Part(
        "accuracy",
        "Accuracy by precision",
        "Best validation accuracy of short trainings of the same weights on the same trials, "
        "with recommended settings.",
        "training:accuracy_rows",
        60,
    ),
    Part(
        "compiled",
        "torch.compile",
        "As in training; the first epoch includes the compilation.",
        "training:compiled_rows",
        60,
    ),
)


def main(given: list[str] | None = None) -> None:
    """Run the parts one after another and write the report after each row."""
    arguments = _arguments(given)
    sizes = MINIATURE if arguments.miniature else Sizes()
    end = time.monotonic() + 60 * arguments.minutes
    outcomes: list[Outcome] = []

    def write() -> None:
        report.write(arguments.out, HEADING, outcomes)

    for part in [part for part in PARTS if part.name in arguments.parts]:
        outcomes.append(Outcome(part))
        budget = part.seconds if sizes == Sizes() else math.inf
        run(outcomes[-1], sizes, min(budget, end - time.monotonic()), write)
        write()
        print(report.markdown("", outcomes[-1:]), flush=True)


def _arguments(given: list[str] | None) -> argparse.Namespace:
    names = [part.name for part in PARTS]
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.gpu", description=(__doc__ or "").partition("\n")[0]
    )
    parser.add_argument(
        "--out", type=Path, required=True, metavar="FILE", help="Markdown to write; JSON beside it"
    )
    parser.add_argument("--minutes", type=float, default=7.75, help="for all parts together (7.75)")
    parser.add_argument(
        "--parts",
        default=",".join(names),
        help=f"parts to run, by comma, of {', '.join(names)} (all)",
    )
    parser.add_argument("--miniature", action="store_true", help="everything once, of a few trials")
    arguments = parser.parse_args(given)
    arguments.parts = arguments.parts.split(",")
    if unknown := set(arguments.parts) - set(names):
        parser.error(f"--parts {', '.join(unknown)} is unknown (choices: {', '.join(names)})")
    return arguments


if __name__ == "__main__":
    main()
