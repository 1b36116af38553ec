"""Writes cells to MLflow. Runs are found by the keys of their cells: publishing is idempotent."""

import hashlib
import json
import logging
import time
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path

import pandas as pd
from mlflow.entities import Param, Run

from sweeps.analysis.claims.claimed import claimed_rows
from sweeps.analysis.claims.study import Study
from sweeps.analysis.claims.verdicts import decide, load_study
from sweeps.analysis.summary import HEADLINE_ROWS
from sweeps.analysis.verdicts import STANDARD_THRESHOLDS
from sweeps.design.cells import Cell, DecoderCell, MethodCell, decoder_of
from sweeps.design.thresholds import Thresholds
from sweeps.scores.cache import ScoreCache, load_cache, write_cache
from sweeps.scores.cache_file import CACHE_FILE, scratch_file
from sweeps.scores.needed import Measured
from sweeps.scores.selection import without_chance_decoders
from sweeps.store.artefacts import Store
from sweeps.store.packing import BrokenArtefactError
from sweeps.tracking.location import PublishError
from sweeps.tracking.parameters import parameters_of, shared_fields
from sweeps.tracking.pictures import run_pictures
from sweeps.tracking.run_content import (
    Draw,
    Files,
    RunContent,
    decoder_content,
    method_content,
    milliseconds,
)
from sweeps.tracking.run_rows import FINISHED, RUNNING
from sweeps.tracking.run_schema import (
    KEY_TAG,
    KIND_TAG,
    LAYOUT_TAG,
    NOTE_TAG,
    RUN_LAYOUT,
    SOURCE_KIND_TAG,
    SOURCE_TAG,
    THRESHOLDS_TAG,
    experiment_tags,
    summary_note,
    thresholds_text,
)
from sweeps.tracking.runs import connect, create_run, fill_run, open_experiment

log = logging.getLogger(__name__)
SUMMARY = "sweep"  # the kind of the one run that contains all scores of an experiment
DIGEST_TAG = "eegxai.digest"
SETTINGS_TAG = "eegxai.settings"  # of the run of all scores
PARENT_TAG = "mlflow.parentRunId"
PAUSES = (0.5, 2.0)  # seconds after which a run that was not created is asked for again
CLAIMS_FILE = "claims.csv"  # among the artefacts of the run of all scores


Conclude = Callable[[pd.DataFrame], Mapping[str, bytes]]
DecideStudy = Callable[[Study, pd.DataFrame], pd.DataFrame]


def no_conclusion(_tidy: pd.DataFrame) -> dict[str, bytes]:
    """No files beside the scores and the claims."""
    return {}


def decided(study: Study, tidy: pd.DataFrame) -> pd.DataFrame:
    """The claims of a study on tidy scores."""
    return decide(study, tidy).claims


class Publisher:
    """Writes cells of one sweep to one MLflow experiment.

    Parameters
    ----------
    experiment : str
        Name of the experiment, the sweep's name.
    output : str
        Folder of the default tracking store.
    cells : iterable of Cell
        All cells of the sweep: what they share is said in the run of all scores.
    settings : str
        Digest of what its cells are made with. Sweeps of one name and other settings share the
        experiment and have a run of all scores each.
    draw : callable
        PNG pictures of a method by name.
    conclude : callable
        Files of the run of all scores beside the scores and the claims, by name, from tidy scores.
    decide_claims : callable
        The table of a study's claims from tidy scores without decoders at chance.
    thresholds : Thresholds
        What the verdict on each method asks.
    """

    def __init__(
        self,
        experiment: str,
        output: str,
        cells: Iterable[Cell] = (),
        settings: str = "",
        *,
        draw: Draw = run_pictures,
        conclude: Conclude = no_conclusion,
        decide_claims: DecideStudy = decided,
        thresholds: Thresholds = STANDARD_THRESHOLDS,
    ) -> None:
        self.draw, self.conclude, self.thresholds = draw, conclude, thresholds
        self.decide_claims = decide_claims
        self.shared, self.settings = shared_fields(cells), settings
        self.source = {SOURCE_TAG: f"eegxai sweep {experiment}", SOURCE_KIND_TAG: "LOCAL"}
        self.client = connect(output)
        self.experiment_id = open_experiment(self.client, experiment, output, experiment_tags)
        self.published: dict[str, str] = {}  # run ids by key of the cells known to be in MLflow

    def publish(self, cell: Cell, store: Store) -> str:
        """Log a finished cell unless its run is already finished; returns the run's id."""
        if cell.key not in self.published:
            run = self.find(KEY_TAG, cell.key)
            if run and self._is_complete(run):
                self._state_parameters(run, cell)
                self.published[cell.key] = str(run.info.run_id)
            else:
                self.published[cell.key] = self._write(run, self._content(cell, store))
        return self.published[cell.key]

    def _is_complete(self, run: Run) -> bool:
        """Whether a run is whole, and its verdict was reached with today's thresholds."""
        asked = run.data.tags.get(THRESHOLDS_TAG, thresholds_text(self.thresholds))
        return is_whole(run) and asked == thresholds_text(self.thresholds)

    def _state_parameters(self, run: Run, cell: Cell) -> None:
        """Add those that a run of an earlier version lacks."""
        known = run.data.params
        new = [Param(name, text) for name, text in parameters_of(cell).items() if name not in known]
        if new:
            self.client.log_batch(run.info.run_id, params=new)

    def publish_summary(self, combined: ScoreCache, write: Callable[[Path], None]) -> None:
        """Log all scores in one file, the study's claims, and what the sweep concludes.

        Parameters
        ----------
        combined : ScoreCache
            Scores, the rows of ``summary_rows`` at least.
        write : callable
            Writes the file of all scores to a path.
        """
        study = load_study()
        concluded = self.conclude(combined.table)
        note = summary_note(self.shared)
        state = [sorted(combined.stamps.items()), repr(study), note, _digests(concluded)]
        digest = hashlib.sha256(json.dumps(state).encode()).hexdigest()
        run = self._summary_run()
        if run and is_whole(run) and run.data.tags.get(DIGEST_TAG) == digest:
            return
        tags = {
            KIND_TAG: SUMMARY,
            LAYOUT_TAG: RUN_LAYOUT,
            DIGEST_TAG: digest,
            SETTINGS_TAG: self.settings,
            NOTE_TAG: note,
        }
        name = f"summary of {len(combined.stamps)} method runs"
        now = milliseconds(time.time())
        claims = self.decide_claims(study, without_chance_decoders(combined.table))
        text = claims.to_csv(index=False)
        with scratch_file() as path:
            write(path)
            files: Files = {**concluded, CACHE_FILE: path, CLAIMS_FILE: text.encode()}
            self._write(run, RunContent(name, tags, now, now, files=files))

    def _summary_run(self) -> Run | None:
        """The run of all scores of these settings, or one that was written before it named any."""
        oldest_first = reversed(self._having(SUMMARY))  # of two of the same, the newest is taken
        by_settings = {run.data.tags.get(SETTINGS_TAG, ""): run for run in oldest_first}
        return by_settings.get(self.settings) or by_settings.get("")

    def runs(self, kind: str) -> list[Run]:
        """All finished runs of a kind, ``decoder``, ``method`` or ``sweep``, the newest first."""
        return [run for run in self._having(kind) if is_whole(run)]

    def _having(self, kind: str) -> list[Run]:
        found: list[Run] = []
        token = None
        while True:
            page = self.client.search_runs(
                [self.experiment_id],
                f"tags.`{KIND_TAG}` = '{kind}'",
                max_results=1000,
                page_token=token,
            )
            found += page
            token = page.token
            if not token:
                return found

    def find(self, tag: str, value: str) -> Run | None:
        """The run with a tag, finished or not."""
        condition = f"tags.`{tag}` = '{value}'"
        found = self.client.search_runs([self.experiment_id], condition, max_results=1)
        return found[0] if found else None

    def _content(self, cell: Cell, store: Store) -> RunContent:
        if isinstance(cell, DecoderCell):
            content = decoder_content(cell, store)
        else:
            content = method_content(cell, store, self.draw, self.thresholds)
            # A run is shown under its parent only if created with it, so the decoder goes first.
            parent = self._decoder_run(cell.decoder, store)
            content.tags = {**content.tags, **({PARENT_TAG: parent} if parent else {})}
        content.params = parameters_of(cell)
        return content

    def _decoder_run(self, cell: DecoderCell, store: Store) -> str | None:
        if cell.key in self.published or store.has(cell):
            return self.publish(cell, store)
        run = self.find(KEY_TAG, cell.key)
        return str(run.info.run_id) if run else None

    def _write(self, run: Run | None, content: RunContent) -> str:
        """Create a run, or complete one that is half written.

        One of an older layout goes to MLflow's bin, since parameters cannot be taken from it.
        """
        if run and run.data.tags.get(LAYOUT_TAG) != RUN_LAYOUT:
            self.client.delete_run(run.info.run_id)
            run = None
        content.tags = {**self.source, **content.tags}
        if run is None:
            return fill_run(self.client, self._created(content), content)
        # Not finished, or a process that is killed meanwhile would leave other files as its own.
        self.client.update_run(run.info.run_id, status=RUNNING, name=content.name)
        return fill_run(self.client, run.info.run_id, content)

    def _created(self, content: RunContent) -> str:
        """Create an empty run; its id.

        Where that is not answered, it is looked for before it is asked for again.
        """
        tag = KEY_TAG if KEY_TAG in content.tags else DIGEST_TAG
        for pause in PAUSES:
            try:
                return create_run(self.client, self.experiment_id, content)
            except PublishError as error:
                log.info("the run %s was not created: %s", content.name, error)
                time.sleep(pause)
                if run := self.find(tag, content.tags[tag]):
                    return str(run.info.run_id)
        return create_run(self.client, self.experiment_id, content)


def publish_all(publisher: Publisher, cells: Iterable[Cell], store: Store) -> int:
    """Bring MLflow to the state of the store; returns the number of cells in the store.

    What cannot be read is noted in the store's ``broken``; the others are published.
    """
    held = [cell for cell in cells if store.has(cell)]
    for cell in held:
        try_to_publish(publisher, cell, store)
    methods = [cell for cell in held if isinstance(cell, MethodCell)]
    if methods:
        combined = load_cache(methods, store, summary_rows(), share=0.0)
        publisher.publish_summary(combined, partial(write_cache, methods, store, combined.stamps))
    return len(held)


def summary_rows() -> list[Measured]:
    """Scores that the verdicts and the study's claims rest on."""
    return [*HEADLINE_ROWS, *claimed_rows(load_study())]


def try_to_publish(publisher: Publisher, cell: Cell, store: Store) -> None:
    """Publish a cell, unless a file that this takes is broken or was set aside meanwhile."""
    try:
        publisher.publish(cell, store)
    except BrokenArtefactError as error:
        store.note_broken(error)
    except FileNotFoundError as error:
        if store.look(cell) and store.look(decoder_of(cell)):  # then it was not a file of theirs
            raise
        log.info("%s is not published: %s", cell.title, error)


def is_whole(run: Run) -> bool:
    """Whether a run is finished and has the current layout."""
    return run.info.status == FINISHED and run.data.tags.get(LAYOUT_TAG) == RUN_LAYOUT


def _digests(files: Mapping[str, bytes]) -> list[tuple[str, str]]:
    return [(name, hashlib.sha256(files[name]).hexdigest()) for name in sorted(files)]
