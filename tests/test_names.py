"""One name, one meaning: what a module defines has a name that no other module defines."""

import ast
from collections import defaultdict

from tests.paths import ROOT

MAPS = "eegxai.evaluation.maps"
SUMS = {f"{MAPS}.{name}" for name in ("cpu_kernels", "reductions", "torch_reductions")}
ORDERS = {f"{MAPS}.{name}" for name in ("cpu_order_kernels", "reductions", "torch_reductions")}
CAMS = {"eegxai.attribution.methods.cam", "eegxai.attribution.methods.study_cam"}
# Right in several modules, whichever they are.
ANYWHERE = {
    "__all__": "each package has a face",
    "log": "each module has its logger",
    "T": "a type variable has no meaning beyond its function",
    "Array": "numpy's array under a short name",
    "Row": "a row of any table as pandas gives it",
}
# Right in these modules alone.
TWINS = {
    # A reduction in torch, its CPU kernel, and the function that chooses between them.
    **dict.fromkeys(("moments", "overlap", "windowed_ssim"), SUMS),
    **dict.fromkeys(("ascending", "kth_largest"), ORDERS),
    # The study's version of a method beside ours: the module says whose it is.
    **dict.fromkeys(
        (
            "full_grad",
            "grad_cam",
            "grad_cam_plus_plus",
            "guided_grad_cam",
            "layer_cam",
            "score_cam",
        ),
        CAMS,
    ),
    # A command is named as the function of the notebook that it calls.
    "explain": {"eegxai.explaining.api", "sweeps.cli.explain"},
    "implant": {"eegxai.simulation.implanting", "sweeps.cli.implant"},
    "simulate": {"eegxai.simulation.dataset", "sweeps.cli.simulate"},
    "validity": {"eegxai.attribution.validity", "sweeps.cli.validity"},
    # A picture of the report is named as the figure that draws it.
    "maps_beside_truth": {"eegxai.figures.maps", "sweeps.report.map_pictures"},
    "reference_scores": {"eegxai.figures.reference_scores", "sweeps.report.score_pictures"},
    "score_by_snr": {"eegxai.figures.curves", "sweeps.report.score_pictures"},
}


def defined(tree):
    """Names of functions, classes and constants of a module, whatever it imports apart."""
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            yield from (
                name.id
                for target in targets
                for name in ast.walk(target)
                if isinstance(name, ast.Name) and isinstance(name.ctx, ast.Store)
            )


def definitions():
    """Modules of both packages by each name that they define."""
    found = defaultdict(set)
    for package in ("eegxai", "sweeps"):
        for path in sorted((ROOT / package).rglob("*.py")):
            module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
            for name in defined(ast.parse(path.read_text(encoding="utf-8"))):
                found[name].add(module)
    return {name: modules for name, modules in found.items() if len(modules) > 1}


def test_a_name_is_defined_in_one_module():
    twice = {name: modules for name, modules in definitions().items() if name not in ANYWHERE}
    found = {name: sorted(modules - TWINS.get(name, set())) for name, modules in twice.items()}
    assert not {name: sorted(twice[name]) for name, modules in found.items() if modules}


def test_every_exception_is_still_one():
    twice = definitions()
    assert twice.keys() >= ANYWHERE.keys() | TWINS.keys()
    assert {name: twice[name] for name in TWINS} == TWINS


def test_each_kind_of_definition_is_seen():
    source = (
        "def f(): g = 1\nclass C: x = 1\nA, (B, *D) = 1, (2, 3)\nE: int = 4\nimport h\nk[0] = 1"
    )
    assert set(defined(ast.parse(source))) == {"f", "C", "A", "B", "D", "E"}
