"""The arrows of the architecture, read from the imports."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
# A module imports only what stands above it (docs: architecture).
SCIENCE = [
    "spec",
    "seeding",
    "registry",
    "plugins",
    "head",
    "simulation",
    "decoders",
    "attribution",
]
SCIENCE += ["evaluation", "statistics", "figures"]
EXPERIMENT = [
    "config",
    "grid",
    "store",
    "leases",
    "provenance",
    "stages",
    "schedule",
    "cluster",
    "status",
    "certificates",
    "progress",
    "tidy",
    "combined",
    "verdicts",
    "headline",
    "comparison",
    "inference",
    "filters",
    "aggregates",
    "shown",
    "exports",
    "tables",
    "tracking",
    "publishing",
]
EXPERIMENT += ["run", "figures", "report_tables", "report", "cli"]
ONLY_IN = {"mlflow": ("tracking",), "ray": ("schedule", "cluster"), "yaml": ("config",)}


def modules(package):
    return sorted((ROOT / package).rglob("*.py"))


def imports(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def room(path, package):
    return path.relative_to(ROOT / package).with_suffix("").parts[0]


@pytest.mark.parametrize("path", modules("eegxai"), ids=lambda path: str(path.relative_to(ROOT)))
def test_the_science_knows_no_scheduler_no_tracker_no_yaml(path):
    roots = {name.split(".")[0] for name in imports(path)}
    assert not roots & {"sweeps", "ray", "mlflow", "yaml"}


@pytest.mark.parametrize("package", ["eegxai", "sweeps"])
def test_modules_import_only_what_stands_above_them(package):
    order = {"eegxai": SCIENCE, "sweeps": EXPERIMENT}[package]
    for path in modules(package):
        own = room(path, package)
        if own == "__init__":
            continue
        used = {name.split(".")[1] for name in imports(path) if name.startswith(f"{package}.")}
        below = {name for name in used & set(order) if order.index(name) > order.index(own)}
        assert not below, f"{path.relative_to(ROOT)} imports {below}"


def test_ray_mlflow_and_yaml_enter_by_their_doors_alone():
    for path in modules("sweeps"):
        for name, doors in ONLY_IN.items():
            roots = {imported.split(".")[0] for imported in imports(path)}
            assert name not in roots or room(path, "sweeps") in doors, path
