"""What MLflow shows as descriptions, in Markdown: of the experiment and of each kind of run."""

EXPERIMENT_NOTE = """\
Which attribution methods can be trusted on EEG decoders? Each **method run** is one method on
one decoder, nested under the **decoder run** that trained it. Simulated EEG has a known answer,
so each map is scored against it.

| column | meaning |
|---|---|
| `feature`, `snr_db`, `architecture`, `seed`, `fold`, `method` | what was run |
| `headline/score` | the study's score of the map against the planted signal: share of the \
map's mass on it (spatial: cosine of topographies). 1 is best |
| `headline/chance` | the same score of random maps of the same spectrum |
| `headline/calibrated_score` | average precision of the map's magnitude (spectral: share of the \
relevance over frequency in the planted band). 1 is best |
| `headline/ceiling` | the same of the ideal observer's map (in recorded backgrounds an estimate) |
| `headline/ideal_score` | average precision against the ideal observer's map |
| `headline/used_correlation` | correlation over channels with what the decoder used |
| `headline/class_similarity` | correlation of the map with the map for a wrong class: low is \
class-specific |
| `headline/model_similarity` | correlation with the map of a network whose weights are all \
random: low is model-specific |
| `headline/cascade_area` | mean correlation while the network is randomized layer by layer |
| `headline/null_similarity` | the highest correlation of the map with uninformative maps: \
white noise, its magnitude, a random map of the same spectrum |
| `headline/accuracy` | test accuracy of the decoder |
| `scores/CHECK/DOMAIN/METRIC` | every number, such as `scores/cascade/channel_time/pearson_raw`, \
a curve over the randomized layers |
| `uncertainty/...`, `valid_trials/...` | half of the 95 % interval over the trials, and the \
number of trials for which the score is defined |
| `zero_rows/...` | in the evaluation mode `study`: number of trials that the study's code skips, \
which enter the mean as zeros |
| `headline/efficiency` | position of the calibrated score between chance (0) and the ideal \
observer (1) |
| `headline/over_chance`, `over_untrained`, `over_input` | how much higher it is than that of \
random maps of the same spectrum, of the same method on the untrained decoder, and of the \
recording's magnitude |
| tag `eegxai.verdict` | on this one decoder, with intervals over its trials: ✓ passes, ✗ fails or \
? undecided, with the properties it rests on; `= METHOD` has the same maps as that method |
| tags `eegxai.finds_signal`, `efficient`, `faithful`, `class_specific`, `model_specific`, \
`beyond_input`, `study_verdict` | shown, refuted, undecided, not testable, no score |
| tag `eegxai.validity` | ok, duplicate (of a simpler method), degenerate, not_applicable |

Filter such as `params.method = "DeepLift" and tags.`eegxai.kind` = "method"`.
Tables of all runs: `eegxai tables --source mlflow`."""

SUMMARY_NOTE = """\
What the sweep found is in `closing_table.html` among the artefacts. `tidy.parquet` contains all
scores, one row per run, check, domain, metric and step; `eegxai tables --source mlflow` reads it
instead of thousands of runs. `claims.csv` says of each claim of the study whether it holds on these
scores."""

CONSTANT_NOTE = """

What all runs of the sweep share:

| field | value |
|---|---|
{rows}"""

METHOD_NOTE = """\
**{method}** on {architecture}, trained on {feature} EEG at {snr_db:g} dB (seed {seed}, fold {fold};
test accuracy {accuracy:.2f}). {verdict}

{numbers}

The pictures are among the artefacts, in `figures/`."""

DECODER_NOTE = """\
**{architecture}**, trained on {labels} labels of {feature} EEG at {snr_db:g} dB (seed {seed}, fold
{fold}) for {epochs} epochs: test accuracy {accuracy:.2f} on {n_test} trials{chance}. Its methods
are the runs nested under it."""

EXPLANATIONS_NOTE = """\
Each run is one call of `eegxai explain`: a decoder of your own on recordings of your own. Nothing
is planted there, so no map is scored against a truth; the metrics say whether maps change when they
must.

| metric | meaning |
|---|---|
| `headline/accuracy`, `headline/chance_accuracy` | of the decoder, and of always naming the \
largest class |
| `headline/class_similarity/METHOD` | correlation of the map with the map for a wrong class: \
low is class-specific |
| `headline/model_similarity/METHOD` | with the map of the decoder whose weights are all random: \
low is model-specific |
| `headline/null_similarity/METHOD` | the highest correlation of the map with maps that know \
nothing |
| `headline/deletion_area/METHOD` | how much sooner the decision falls and rises in the map's \
order than in random ones, as a share of its whole change |
| `validity/completeness/METHOD` | sum of the map relative to the sum that the method promises |
| `scores/CHECK/DOMAIN/METRIC/METHOD` | every similarity; the cascade is a curve over the layers |
| tags `eegxai.trust.METHOD` | which method may be trusted, in words |

A `+` in the name of a method is written `plus`: MLflow does not allow it in names. The report is \
`report.html` among the artefacts; maps are in the folder that the command names."""

EXPLANATION_NOTE = """\
**{decoder}** on {data}. The report is `report.html` among the artefacts.

| method | trust |
|---|---|
{rows}

Repeat it: `{command}`"""
