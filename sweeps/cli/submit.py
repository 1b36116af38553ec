"""``eegxai submit``: a sweep as a job of a Ray cluster."""

import os
from pathlib import Path
from typing import Annotated

import typer

from sweeps.cli.common import (
    Arguments,
    configuration,
    configuration_file,
    errors_in_one_sentence,
    overrides_of,
    print_error,
    terminal,
    usage_error,
)
from sweeps.design.config import SweepConfig
from sweeps.execution import ray_jobs
from sweeps.execution.ray_environment import ClusterError
from sweeps.report.terminal import print_sentence

DASHBOARD = "http://127.0.0.1:8265"
JOB_FAILED = 3


def submit(
    arguments: Arguments = None,
    address: Annotated[
        str, typer.Option(help="Address of the cluster's Ray dashboard.")
    ] = DASHBOARD,
    tree: Annotated[
        Path, typer.Option(help="Working tree that the job installs and runs.")
    ] = Path(),
    follow: Annotated[
        bool, typer.Option("--follow", help="Print the job's output until it ends.")
    ] = False,
) -> None:
    """Submit a sweep as a job to a Ray cluster, with this working tree and its constraints.

    For example: eegxai submit paper store=s3://bucket/paper --follow
    """
    with errors_in_one_sentence():
        ray_jobs.require_tree(tree)
    config = configuration(arguments)
    _check_store(config)
    console = terminal()
    given = [_path_in_tree(configuration_file(arguments), tree), *overrides_of(arguments)]
    with errors_in_one_sentence():
        job = ray_jobs.submit_sweep(address, tree, given, os.environ)
    print_sentence(console, f"submitted job {job}; to see its progress: eegxai status")
    if "MLFLOW_TRACKING_URI" not in os.environ:
        print_sentence(
            console, "MLFLOW_TRACKING_URI is not set: log the results later with eegxai sync"
        )
    if follow:
        _follow(address, job)


def _check_store(config: SweepConfig) -> None:
    """Refuse a store that lies in the job's own folder, which goes when the job ends."""
    if "://" not in config.store and not Path(config.store or config.output).is_absolute():
        raise usage_error(
            f"store={config.store!r} would be in the job's own folder on one node, which is "
            "deleted: give "
            "store=/SHARED/FOLDER or store=s3://BUCKET/FOLDER"
        )


def _path_in_tree(file: Path, tree: Path) -> str:
    """Path of a configuration inside the tree, as the job finds it."""
    try:
        return str(file.resolve().relative_to(tree.resolve()))
    except ValueError:
        raise usage_error(
            f"configuration {str(file)!r} lies outside the working tree {str(tree.resolve())!r} "
            "that the job is given"
        ) from None


def _follow(address: str, job: str) -> None:
    try:
        for text in ray_jobs.follow(address, job):
            typer.echo(text, nl=False)
    except ClusterError as error:
        print_error(str(error))
        raise typer.Exit(JOB_FAILED) from None
