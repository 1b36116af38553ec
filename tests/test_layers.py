"""The arrows of the architecture, read from the imports: a folder knows those above it alone."""

import ast

import pytest

from tests.paths import ROOT

# Folders (or single modules) of each package, from the one that knows no other to the last.
FOLDERS = {
    "eegxai": [
        "renamed", "registry", "errors", "spec", "atomic", "machine", "rounding", "microvolts",
        "seeding", "plugins",
        "head", "recordings", "simulation", "decoders", "statistics", "attribution", "evaluation",
        "figures", "explaining",
    ],
    "eegxai/attribution": [
        "core", "engine", "methods", "given", "copies", "prepared", "calling", "api", "validity",
    ],
    "eegxai/evaluation": [
        "maps", "controls", "metrics", "references", "evidence", "scoring", "modes", "bounds",
        "evaluation_spec", "example_maps", "trial_moments", "score_rows", "map_references",
        "robustness", "protocol",
    ],
    "sweeps": [
        "design", "store", "tasks", "scores", "analysis", "tracking", "report", "execution", "cli",
    ],
}  # fmt: skip
ONLY_IN = {"mlflow": "tracking", "ray": "execution", "yaml": "design"}
MOVED = ("combined", "comparison", "config", "grid")  # names of old, until the next minor version
PUBLIC = ("__init__", "__main__")  # a package's face, which may name anything in it


def modules(folder):
    return sorted((ROOT / folder).rglob("*.py"))


def _subfolders(folder):
    return sorted({room(path, folder) for path in modules(folder)} - _files(folder))


def _files(folder):
    return {path.stem for path in (ROOT / folder).glob("*.py")}


def imports(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def room(path, folder):
    return path.relative_to(ROOT / folder).with_suffix("").parts[0]


# Every folder that has folders in it, however deep.
PARENTS = sorted(
    {
        path.parents[1].relative_to(ROOT).as_posix()
        for package in ("eegxai", "sweeps")
        for path in modules(package)
        if path.parent != ROOT / package
    }
)


@pytest.mark.parametrize("path", modules("eegxai"), ids=lambda path: str(path.relative_to(ROOT)))
def test_the_science_knows_no_scheduler_no_tracker_no_yaml(path):
    roots = {name.split(".")[0] for name in imports(path)}
    assert not roots & {"sweeps", "ray", "mlflow", "yaml"}


@pytest.mark.parametrize("folder", FOLDERS)
def test_every_folder_has_its_place(folder):
    rooms = {room(path, folder) for path in modules(folder)}
    assert rooms - {*PUBLIC, *MOVED} == set(FOLDERS[folder])


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_folder_imports_only_folders_above_it(folder):
    order, package = FOLDERS[folder], folder.replace("/", ".")
    for path in modules(folder):
        own = room(path, folder)
        if own in PUBLIC:
            continue
        names = (name.removeprefix(f"{package}.") for name in imports(path) if package in name)
        used = {name.split(".")[0] for name in names} & set(order)
        below = {name for name in used if order.index(name) > order.index(own)}
        assert not below, f"{path.relative_to(ROOT)} imports {below}"


@pytest.mark.parametrize("folder", PARENTS)
def test_a_folder_and_its_subfolders_import_each_other_one_way_alone(folder):
    arrows = _arrows_in(folder)
    assert not _circle(arrows)
    for subfolder in _subfolders(folder):
        own = {name for name in arrows if name not in _subfolders(folder)}
        used_by = {name for name in own if subfolder in arrows[name]}
        assert not (used_by and arrows[subfolder] & own), f"{folder}/{subfolder} and {used_by}"


@pytest.mark.parametrize("package", ["eegxai", "sweeps"])
def test_no_modules_import_each_other_in_a_circle(package):
    known = {_dotted(path): path for path in modules(package) if path.stem not in PUBLIC}
    arrows = {name: set(imports(path)) & set(known) for name, path in known.items()}
    assert not _circle(arrows)


def _circle(arrows):
    """What is left when what imports nothing else of the rest is taken away, again and again."""
    while ends := {name for name, used in arrows.items() if not used & set(arrows)}:
        arrows = {name: used for name, used in arrows.items() if name not in ends}
    return arrows


def _arrows_in(folder):
    """Of each module and subfolder of a folder, those of the others that it imports."""
    rooms = {room(path, folder) for path in modules(folder)} - {*PUBLIC, *MOVED}
    arrows = {own: set() for own in rooms}
    for path in modules(folder):
        if (own := room(path, folder)) in rooms:
            arrows[own] |= _rooms_used(path, folder) & rooms - {own}
    return arrows


def _rooms_used(path, folder):
    package = f"{folder.replace('/', '.')}."
    return {
        name.removeprefix(package).split(".")[0]
        for name in imports(path)
        if name.startswith(package)
    }


def _dotted(path):
    return ".".join(path.relative_to(ROOT).with_suffix("").parts)


def test_ray_mlflow_and_yaml_enter_by_their_doors_alone():
    for path in modules("sweeps"):
        roots = {imported.split(".")[0] for imported in imports(path)}
        doors = {door for name, door in ONLY_IN.items() if name in roots}
        assert doors <= {room(path, "sweeps")}, path
