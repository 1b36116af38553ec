"""MLflow runs of made-up cells, on a real SQLite store: what they say and what is read back."""

import dataclasses
import html
import json
import shutil
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pandas as pd
import pytest

from eegxai.attribution import STUDY_METHODS, Validity
from eegxai.evaluation import HEADLINE
from sweeps.analysis.claims.verdicts import decide, load_study
from sweeps.analysis.summary import headline
from sweeps.analysis.verdicts import TOLD, judged, verdict_text
from sweeps.design.cells import decoder_cells, decoder_of, method_cells
from sweeps.design.config_file import load
from sweeps.design.thresholds import Thresholds
from sweeps.report.closing import CLOSING_FILE, closing_page
from sweeps.report.verdict_texts import verdict_answer
from sweeps.scores.cache import load_cache, tidy_from_store
from sweeps.scores.selection import without_chance_decoders
from sweeps.tracking import (
    KEY_TAG,
    Publisher,
    datasets,
    no_pictures,
    publish_all,
    tidy_from_runs,
)
from sweeps.tracking.background import publishing
from sweeps.tracking.datasets import dataset_input
from sweeps.tracking.location import VIEW, follow_moved_folder
from sweeps.tracking.parameters import parameters_of, settings_digest
from sweeps.tracking.publisher import SUMMARY
from sweeps.tracking.run_rows import FINISHED
from sweeps.tracking.run_schema import (
    HALF_WIDTHS,
    LAYOUT_TAG,
    METHOD_COLOURS,
    SCORES,
    colour_of,
    run_name,
)
from tests.finished_cells import N_STEPS, fill, filled_store, method_scores

pytestmark = pytest.mark.slow  # whole sweeps


@pytest.fixture
def cells(tiny):
    """Two methods on each of two decoders, and the decoders."""
    decoders = list(decoder_cells(tiny))
    return decoders, [cell for cell in method_cells(tiny) if cell.method in tiny.grid.method[:2]]


@pytest.fixture
def store(tmp_path, cells):
    return filled_store(tmp_path / "store", *cells)


@pytest.fixture
def publisher(tiny, tmp_path, with_database, cells):
    every = [*cells[0], *cells[1]]
    settings = settings_digest(tiny)
    return Publisher(tiny.name, str(tmp_path / "runs"), every, settings, conclude=closing_page)


def run_of(publisher, cell):
    return publisher.find(KEY_TAG, cell.key)


def artefacts(publisher, run, folder=None):
    return {file.path for file in publisher.client.list_artifacts(run.info.run_id, folder)}


def test_names_are_those_that_a_person_gives(tiny_file):
    config = load(tiny_file, ["grid.snr_db=[-12]", "grid.fold=[0,1]", "grid.seed=[3]"])
    names = [run_name(cell) for cell in method_cells(config)][::4]
    assert names == [
        "Saliency on temporal -12 dB deepnet seed 3",
        "Saliency on temporal -12 dB deepnet seed 3 fold 1",
    ]
    assert run_name(next(decoder_cells(config))) == "temporal -12 dB deepnet seed 3"


def test_a_method_that_is_published_first_is_nested_all_the_same(publisher, cells, store):
    decoders, methods = cells
    publisher.publish(methods[0], store)
    assert len(publisher.runs("decoder")) == 1
    parent = run_of(publisher, decoders[0])
    publisher.publish(decoders[0], store)
    assert run_of(publisher, methods[0]).data.tags["mlflow.parentRunId"] == parent.info.run_id
    assert len(publisher.runs("decoder")) == 1


def test_a_run_has_its_axes_a_note_few_headlines_and_pictures(publisher, cells, store):
    cell = cells[1][0]
    publisher.publish(cell, store)
    run = run_of(publisher, cell)
    assert {
        f"eegxai.{axis}": str(value) for axis, value in cell.axes.items()
    }.items() <= run.data.tags.items()
    note = run.data.tags["mlflow.note.content"]
    assert cell.method in note
    assert "score" in note
    headlines = [name for name in run.data.metrics if name.startswith("headline/")]
    assert 8 <= len(headlines) <= 15
    assert artefacts(publisher, run) == {"cell.json", f"{cell.stem}.parquet", "figures"}
    assert artefacts(publisher, run, "figures") == {
        "figures/map_against_truth.png",
        "figures/topographies.png",
    }
    experiment = publisher.client.get_experiment(publisher.experiment_id)
    assert "headline/score" in experiment.tags["mlflow.note.content"]
    view = json.loads(experiment.tags[f"mlflow.sharedViewState.{VIEW}"])
    known = {f"metrics.`{name}`" for name in run.data.metrics}
    known |= {f"tags.`{name}`" for name in run.data.tags}
    assert {*view["selectedColumns"], view["orderByKey"]} <= known


def test_the_headline_metrics_are_those_of_the_table(publisher, cells, store):
    cell = cells[1][1]
    publisher.publish(cell, store)
    metrics = run_of(publisher, cell).data.metrics
    row = headline(tidy_from_store([cell], store)).iloc[0]
    expected = {
        "score": "score",
        "chance": "chance",
        "calibrated_score": "calibrated",
        "class_similarity": "class_r",
        "model_similarity": "model_r",
        "null_similarity": "null_r",
        "efficiency": "efficiency",
        "over_untrained": "over_untrained",
        "used_correlation": "used_r",
        "accuracy": "accuracy",
    }
    for name, column in expected.items():
        assert metrics[f"headline/{name}"] == pytest.approx(row[column])


def test_tags_say_the_verdict_in_the_words_of_the_tables(publisher, cells, store):
    cell = cells[1][1]
    publisher.publish(cell, store)
    tags = run_of(publisher, cell).data.tags
    row = judged(headline(tidy_from_store([cell], store))).iloc[0]
    assert tags["eegxai.verdict"] == verdict_text(row)
    for name in TOLD:
        assert tags[f"eegxai.{name}"] == row[name]
    assert f"Verdict: {verdict_text(row)}" in tags["mlflow.note.content"]


def test_other_thresholds_write_the_verdict_anew(publisher, cells, store):
    cell = cells[1][1]
    publisher.publish(cell, store)
    lenient = Thresholds(efficiency=1e-6, use_correlation=1e-6)
    publisher.thresholds, publisher.published = lenient, {}
    publisher.publish(cell, store)
    row = judged(headline(tidy_from_store([cell], store)), lenient).iloc[0]
    tags = run_of(publisher, cell).data.tags
    assert (tags["eegxai.verdict"], tags["eegxai.faithful"]) == (verdict_text(row), "shown")
    assert len(publisher.runs("method")) == 1


def test_all_is_logged_once_and_curves_by_their_steps(publisher, cells, store):
    cell = cells[1][0]
    for _ in range(2):
        publisher.published.clear()
        publisher.publish(cell, store)
    run = run_of(publisher, cell)
    for prefix in (SCORES, HALF_WIDTHS):
        name = f"{prefix}cascade/channel_time/pearson_raw"
        history = publisher.client.get_metric_history(run.info.run_id, name)
        assert sorted(metric.step for metric in history) == list(range(1, N_STEPS + 1))


def test_a_run_that_is_not_whole_is_completed_in_place(publisher, cells, store):
    cell, client = cells[1][0], publisher.client
    run_id = publisher.publish(cell, store)
    client.update_run(run_id, status="RUNNING", name="?")
    assert not publisher.runs("method")
    publisher.published.clear()
    assert publisher.publish(cell, store) == run_id
    run = client.get_run(run_id)
    assert (run.info.status, run.info.run_name) == (FINISHED, run_name(cell))
    history = client.get_metric_history(run_id, f"{SCORES}cascade/channel_time/pearson_raw")
    assert len(history) == N_STEPS


def test_runs_of_an_older_layout_are_written_anew_under_their_new_parent(publisher, cells, store):
    """Parameters cannot be taken from a run: those of old would stay in every comparison."""
    method, client = cells[1][0], publisher.client
    old = publisher.publish(method, store)
    for run_id in (old, publisher.publish(method.decoder, store)):
        client.set_tag(run_id, LAYOUT_TAG, "3")
    client.log_param(old, "evaluation.domains", "those of old")
    publisher.published.clear()
    new = client.get_run(publisher.publish(method, store))
    assert client.get_run(old).info.lifecycle_stage == "deleted"
    assert new.data.params == parameters_of(method)
    parent = run_of(publisher, method.decoder).info
    assert (new.data.tags["mlflow.parentRunId"], parent.lifecycle_stage) == (
        parent.run_id,
        "active",
    )


def test_the_parameters_of_runs_are_axes_and_what_was_chosen(publisher, cells, store):
    """No default, no unknown: what the view that compares runs shows is what was varied."""
    decoders, methods = cells
    publish_all(publisher, [*decoders, *methods], store)
    for cell in (*decoders, *methods):
        params = run_of(publisher, cell).data.params
        axes = {axis: str(value) for axis, value in cell.axes.items()}
        assert axes.items() <= params.items()
        assert params["data.n_trials"] == "64"  # the file's choice
        assert "data.sfreq" not in params  # what the software has
        assert "None" not in params.values()
    (summary,) = publisher.runs(SUMMARY)
    assert not summary.data.params
    note = summary.data.tags["mlflow.note.content"]  # what they share is said once
    assert "| `snr_db` | -3.5 |" in note
    assert "| `data.sfreq` | 250.0 |" in note
    assert "`method`" not in note
    assert "None" not in note


def test_parameters_that_an_earlier_version_did_not_state_are_added(
    publisher, cells, store, tmp_path
):
    """To the run as it is: neither its pictures nor its numbers are made again."""
    method = cells[1][0]
    run_id = publisher.publish(method, store)
    with closing(sqlite3.connect(tmp_path / "runs" / "mlflow.db")) as database, database:
        database.execute("DELETE FROM params WHERE run_uuid = ? AND key = 'seed'", [run_id])
    before = run_of(publisher, method)
    assert "seed" not in before.data.params
    publisher.published.clear()
    assert publisher.publish(method, store) == run_id
    after = run_of(publisher, method)
    assert after.data.params == parameters_of(method)
    assert after.info.end_time == before.info.end_time


def test_the_parameters_of_a_method_name_the_options_that_were_chosen(tiny_file):
    chosen = ["grid.method=[IntegratedGradients, Saliency]", "attribution.steps=7"]
    cells = method_cells(load(tiny_file, chosen))
    stated = {cell.method: parameters_of(cell).get("options.steps") for cell in cells}
    assert stated == {"IntegratedGradients": "7", "Saliency": None}


def test_sweeps_of_one_name_and_other_settings_replace_nothing(
    publisher, cells, store, tiny_file, tmp_path
):
    """Each has a run of all scores, and readers of either find their own."""
    config = load(tiny_file, ["data.n_trials=80"])
    others = [cell for cell in method_cells(config) if cell.method == cells[1][0].method]
    fill(store, list(decoder_cells(config)), others)
    second = Publisher(config.name, str(tmp_path / "runs"), others, settings_digest(config))
    for one, methods in ((publisher, cells[1]), (second, others)):
        publish_all(one, [*map(decoder_of, methods), *methods], store)
    assert len(second.runs(SUMMARY)) == 2
    assert run_of(second, others[0]).data.params["data.n_trials"] == "80"
    for methods in (cells[1], others, [*others, *cells[1]]):
        expected = tidy_from_store(methods, store)
        pd.testing.assert_frame_equal(tidy_from_runs(second, methods), expected)
    publish_all(publisher, cells[1], store)
    assert len(second.runs(SUMMARY)) == 2


def test_the_digest_of_settings_is_that_of_a_sweep_that_has_grown(tiny_file):
    digest = settings_digest(load(tiny_file))
    assert settings_digest(load(tiny_file, ["grid.seed=[0, 1, 2]", "tracking.figures=false"])) == (
        digest
    )
    assert settings_digest(load(tiny_file, ["evaluation.n_trials=3"])) != digest


def test_every_run_names_its_source_and_its_data_once(publisher, cells, store):
    few = [cells[0][0], cells[1][0], cells[0][1]]
    for cell in few:
        run_id = publisher.publish(cell, store)
        publisher.client.update_run(run_id, status="RUNNING")  # is written again
        publisher.published.clear()
        publisher.publish(cell, store)
    digests = set()
    for cell in few:
        run = run_of(publisher, cell)
        assert run.data.tags["mlflow.source.name"] == "eegxai sweep tiny"
        (used,) = run.inputs.dataset_inputs
        seed = decoder_of(cell).data.seed
        assert used.dataset.name == f"temporal -3.5 dB, seed {seed}"
        profile = json.loads(used.dataset.profile)
        assert (profile["num_rows"], profile["n_channels"], profile["sfreq_hz"]) == (64, 10, 250)
        digests.add(used.dataset.digest)
    assert len(digests) == 2


def test_a_data_set_keeps_its_digest_without_the_file_of_its_head(tiny, cells, monkeypatch):
    """It is published from a machine that has the scores, and perhaps not the head."""
    data = cells[0][0].data
    head = dataclasses.replace(data.head, channels=None)
    cell = dataclasses.replace(cells[0][0], data=dataclasses.replace(data, head=head))
    known = dataset_input(cell).dataset
    datasets._n_channels.cache_clear()

    def missing(_head, _background):
        raise ValueError("no such file")

    monkeypatch.setattr(datasets, "head_of", missing)
    unknown = dataset_input(cell).dataset
    datasets._n_channels.cache_clear()
    assert unknown.digest == known.digest
    assert json.loads(known.profile)["n_channels"] == 62
    assert json.loads(unknown.profile)["n_channels"] == -1


def test_a_moved_folder_is_found_with_its_artefacts(tiny, publisher, cells, store, tmp_path):
    method, later = cells[1][0], cells[1][1]
    run_id = publisher.publish(method, store)
    new = tmp_path / "another disk" / "runs"  # a space, which addresses write otherwise
    shutil.copytree(tmp_path / "runs", new)
    shutil.rmtree(tmp_path / "runs")

    moved = Publisher(tiny.name, str(new), [*cells[0], *cells[1]])
    assert publish_all(moved, [method, later], store) == 2
    assert len(moved.runs("method")) == 2
    assert run_of(moved, method).info.run_id == run_id
    path = moved.client.download_artifacts(run_id, "cell.json", str(tmp_path))
    assert json.loads(Path(path).read_text()) == method.as_json()
    assert "cell.json" in artefacts(moved, run_of(moved, later))
    assert not (tmp_path / "runs").exists()
    expected = tidy_from_store([method, later], store)
    pd.testing.assert_frame_equal(tidy_from_runs(moved, [method, later]), expected)


def test_a_copied_folder_has_artefacts_of_its_own(tiny, publisher, cells, store, tmp_path):
    decoders = cells[0]
    publisher.publish(decoders[0], store)
    shutil.copytree(tmp_path / "runs", tmp_path / "copy")
    Publisher(tiny.name, str(tmp_path / "copy"), decoders).publish(decoders[1], store)
    folders = [tmp_path / place / "artifacts" / tiny.name for place in ("runs", "copy")]
    assert [len(list(folder.iterdir())) for folder in folders] == [1, 2]
    uri = run_of(publisher, decoders[0]).info.artifact_uri
    assert uri.startswith(folders[0].as_uri())


def test_artefacts_that_are_elsewhere_stay_there(publisher, tmp_path):
    """Somebody's own experiment in the same database."""
    location = (tmp_path / "own" / "artifacts" / "mine").as_uri()
    publisher.client.create_experiment("mine", location)
    again = Publisher("tiny", str(tmp_path / "runs"))
    assert again.client.get_experiment_by_name("mine").artifact_location == location


def test_a_damaged_database_is_no_traceback_of_sqlite(tmp_path, caplog):
    (tmp_path / "mlflow.db").write_bytes(b"no database" * 100)
    follow_moved_folder(str(tmp_path))
    assert "were not checked" in caplog.text


def test_a_method_without_scores_or_pictures_has_a_run(publisher, cells, store):
    cell = cells[1][1]
    verdict = Validity("not_applicable", "no ReLU")
    store.write_scores(cell, method_scores(validity=verdict, empty=True))
    publisher.publish(cell, store)
    run = run_of(publisher, cell)
    assert run.data.tags["eegxai.validity"] == "not_applicable"
    assert "no ReLU" in run.data.tags["mlflow.note.content"]
    assert artefacts(publisher, run) == {"cell.json", f"{cell.stem}.parquet"}
    row = tidy_from_runs(publisher, [cell])
    assert row["check"].isna().all()
    assert len(row) == 1


def test_a_decoder_at_chance_has_no_verdict_in_tables_and_runs(publisher, cells, store):
    cell = cells[1][1]
    store.write_scores(cell, dataclasses.replace(method_scores(), at_chance=True))
    publisher.publish(cell, store)
    tags = run_of(publisher, cell).data.tags
    row = judged(headline(without_chance_decoders(tidy_from_store([cell], store)))).iloc[0]
    assert tags["eegxai.verdict"] == verdict_text(row) == "– no score"
    assert tags["eegxai.faithful"] == row["faithful"] == "no score"


def test_pictures_can_be_left_out(publisher, cells, store):
    publisher.draw = no_pictures
    publisher.publish(cells[1][0], store)
    assert "figures" not in artefacts(publisher, run_of(publisher, cells[1][0]))


def test_a_broken_file_of_maps_costs_the_pictures_alone(publisher, cells, store, tmp_path):
    for path in (tmp_path / "store" / "maps").iterdir():
        path.write_bytes(path.read_bytes()[:100])
    publisher.publish(cells[1][0], store)
    assert "figures" not in artefacts(publisher, run_of(publisher, cells[1][0]))


def test_every_method_of_a_comparison_has_a_colour_of_its_own():
    assert len({colour_of(method) for method in STUDY_METHODS}) == len(STUDY_METHODS)
    assert colour_of("a method of a plugin") in METHOD_COLOURS


def test_the_summary_holds_what_the_store_holds(publisher, cells, store):
    decoders, methods = cells
    assert publish_all(publisher, [*decoders, *methods], store) == len(decoders) + len(methods)
    expected = tidy_from_store(methods, store)
    pd.testing.assert_frame_equal(tidy_from_runs(publisher, methods), expected)
    (run,) = publisher.runs(SUMMARY)
    assert artefacts(publisher, run) == {"tidy.parquet", "claims.csv", "closing_table.html"}
    publish_all(publisher, [*decoders, *methods], store)
    assert publisher.runs(SUMMARY)[0].info.end_time == run.info.end_time


def test_a_summary_that_is_being_replaced_is_not_finished(publisher, cells, store, monkeypatch):
    """Or its files would stay those of the state in between, once the first state is back."""
    every_cell = [*cells[0], *cells[1]]
    publish_all(publisher, every_cell, store)

    def killed(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(publisher, "conclude", lambda _tidy: {CLOSING_FILE: b"in between"})
        meanwhile.setattr("sweeps.tracking.runs.finish_run", killed)
        with pytest.raises(KeyboardInterrupt):
            publish_all(publisher, every_cell, store)
    assert not publisher.runs(SUMMARY)
    publish_all(publisher, every_cell, store)
    (run,) = publisher.runs(SUMMARY)
    page = Path(publisher.client.download_artifacts(run.info.run_id, CLOSING_FILE)).read_text()
    assert page != "in between"


def test_the_summary_holds_the_claims_of_the_study_and_the_closing_table(
    publisher, cells, store, tmp_path
):
    publish_all(publisher, [*cells[0], *cells[1]], store)
    (run,) = publisher.runs(SUMMARY)
    path = publisher.client.download_artifacts(run.info.run_id, "claims.csv", str(tmp_path))
    tidy = tidy_from_store(cells[1], store)
    expected = decide(load_study(), tidy).claims
    assert list(pd.read_csv(path)["verdict"]) == list(expected["verdict"])
    path = publisher.client.download_artifacts(run.info.run_id, CLOSING_FILE, str(tmp_path))
    page = Path(path).read_text()
    for sentence in verdict_answer(judged(headline(without_chance_decoders(tidy)))):
        assert html.escape(sentence) in page
    for cell in cells[1]:
        assert f">{cell.method}</th>" in page


def test_runs_that_the_summary_lacks_are_read_themselves(publisher, cells, store):
    """Interrupted after three cells: the fourth came later, without a new summary."""
    decoders, methods = cells
    publish_all(publisher, [*decoders, *methods[:3]], store)
    publisher.publish(methods[3], store)
    tidy = tidy_from_runs(publisher, methods)
    pd.testing.assert_frame_equal(headline(tidy), headline(tidy_from_store(methods, store)))
    assert len(publisher.runs(SUMMARY)) == 1


@pytest.mark.parametrize("few", [0, 200])
def test_the_headline_is_the_same_without_a_summary(publisher, cells, store, few, monkeypatch):
    monkeypatch.setattr("sweeps.tracking.reader.MAX_SINGLE_LOOKUPS", few)
    for cell in cells[1]:
        publisher.publish(cell, store)
    tidy = tidy_from_runs(publisher, cells[1])
    expected = headline(tidy_from_store(cells[1], store))
    pd.testing.assert_frame_equal(headline(tidy), expected)
    assert tidy["n_valid"].notna().any()


def test_a_summary_that_cannot_be_read_is_not_missed(publisher, cells, store, tmp_path):
    publish_all(publisher, [*cells[0], *cells[1]], store)
    for path in (tmp_path / "runs").rglob("tidy.parquet"):
        path.write_bytes(b"?")
    expected = headline(load_cache(cells[1], store).of([cell.key for cell in cells[1]]))
    pd.testing.assert_frame_equal(headline(tidy_from_runs(publisher, cells[1])), expected)


def test_nothing_published_is_an_empty_table(publisher, cells):
    assert tidy_from_runs(publisher, cells[1]).empty


def test_every_feature_type_has_a_headline_to_log(tiny_file):
    assert set(load(tiny_file).features) <= set(HEADLINE)


@pytest.mark.parametrize("which", [0, 1])
def test_a_broken_file_is_noted_and_all_else_published(publisher, store, cells, caplog, which):
    """A decoder's, whose methods cannot be nested under it then, or a method's."""
    decoders, methods = cells
    broken = (decoders[0], methods[0])[which]
    path = Path(store.path(broken))
    path.write_bytes(path.read_bytes()[:-20])
    publish_all(publisher, [*decoders, *methods], store)
    missing = {broken, *(cell for cell in methods if cell.decoder == broken)}
    for cell in (*decoders, *methods):
        assert (run_of(publisher, cell) is None) == (cell in missing), cell.title
    assert [error.cell for error in store.broken.values()] == [broken]
    assert f"the file of {broken.title} is broken" in caplog.text


def test_the_publishing_thread_survives_a_broken_file(publisher, store, cells):
    decoders, _ = cells
    path = Path(store.path(decoders[0]))
    path.write_bytes(path.read_bytes()[:-20])
    with publishing(lambda: publisher, store) as publish:
        for cell in decoders:
            publish(cell)
        deadline = time.monotonic() + 60
        while decoders[1].key not in publisher.published and time.monotonic() < deadline:
            time.sleep(0.05)
    assert publisher.published.keys() == {decoders[1].key}


def test_a_file_set_aside_since_the_listing_is_passed_over(publisher, store, cells):
    decoders, _ = cells
    assert store.has(decoders[0])
    Path(store.path(decoders[0])).unlink()
    assert publish_all(publisher, decoders, store) == len(decoders)
    assert publisher.published.keys() == {decoders[1].key}
