"""What the documentation names exists: files, modules, names, commands, options, fields, links."""

import ast
import re
import shlex
from functools import cache
from pkgutil import resolve_name

import pytest
import typer.main

from eegxai.evaluation import CALIBRATED_METRICS, STUDY_METRICS
from sweeps.analysis.verdicts import TOLD
from sweeps.cli import app
from sweeps.design.config_file import load
from sweeps.scores.table import AXES
from tests.paths import ROOT
from tests.test_layers import FOLDERS

DOCS = sorted((ROOT / "docs").glob("*.md"))
CHANGELOG = ROOT / "CHANGELOG.md"  # names what was there before, too
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *DOCS]
PROGRAMS = ("eegxai", "sweeps", "tests", "docs", "conf", "benchmarks", "scripts", "examples")
SOURCES = ("*.py", "*.yaml", "*.toml", "*.j2", "*.html", "*.sh")

# Dotted names that are no modules: a group of entry points and the tags of MLflow runs.
TAGS = ("kind", "flags", "validity", "verdict", *TOLD, *AXES)  # of MLflow's runs
OTHER_NAMES = {
    "eegxai.methods",
    "eegxai.features",
    "eegxai.trust.METHOD",
    *(f"eegxai.{tag}" for tag in TAGS),
}
# Words in backticks that belong to something else than this repository's code.
FOREIGN_WORDS = {
    "V_fem", "clab_electrodes", "normals", "vc", "ruff", "mypy", "pytest", "create_from_X_y",
}  # fmt: skip
OVERRIDE = re.compile(
    r"(?:grid|data|training|attribution|evaluation|resources|tracking)\.[\w.]+=\S+"
)

pages = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)


def code_blocks(page):
    """Fenced and indented blocks of a page, each dedented."""
    text = page.read_text()
    yield from re.findall(r"```\w*\n(.*?)```", text, flags=re.DOTALL)
    prose = re.sub(r"```.*?```", "", text, flags=re.DOTALL)
    for block in re.findall(r"(?:^    .*\n)+", prose, flags=re.MULTILINE):
        yield re.sub(r"^    ", "", block, flags=re.MULTILINE)


def inline_code(page):
    """Code within sentences, on one line each."""
    prose = re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL)
    return [" ".join(code.split()) for code in re.findall(r"(?<!`)`([^`]+)`(?!`)", prose)]


def commands(page):
    """Words after ``eegxai`` of every command that a page shows."""
    shown = [line for block in code_blocks(page) for line in block.splitlines()]
    for line in [*shown, *inline_code(page)]:
        for found in re.findall(r"(?:^|&& )eegxai ([a-z][^#&]*)", line):
            yield shlex.split(found)


@cache
def group():
    command = typer.main.get_command(app)
    return command, command.context_class(command, info_name="eegxai")


def parse(words):
    """Parse a command as the command line does, without running it."""
    command, context = group()
    name, found, rest = command.resolve_command(context, list(words))  # imports a lazy command
    own = found.context_class(found, info_name=name, parent=context)
    return found.make_parser(own).parse_args(rest)[0]


def source_words():
    folders = [ROOT / name for name in PROGRAMS if name not in ("tests", "docs")]
    paths = [path for folder in folders for kind in SOURCES for path in folder.rglob(kind)]
    words = set(re.findall(r"\w+", "\n".join(path.read_text() for path in paths)))
    return words | set(STUDY_METRICS) | set(CALIBRATED_METRICS)


@pages
def test_files_named_exist(page):
    text = re.sub(r"https?://\S+", "", page.read_text())
    folders = "|".join(PROGRAMS)
    for name in re.findall(rf"(?<![\w./-])(?:{folders})/[\w./-]*", text):
        assert (ROOT / name.rstrip(".")).exists(), f"{page.name} names {name}"


@pages
def test_dotted_names_can_be_imported(page):
    for code in inline_code(page):
        for name in re.findall(r"^(?:eegxai|sweeps)(?:\.[A-Za-z_]\w*)+", code):
            if name not in OTHER_NAMES:
                resolve_name(name)


@pages
def test_imports_shown_work(page):
    text = page.read_text()
    for block in re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL):
        for node in ast.walk(ast.parse(block)):
            if isinstance(node, ast.ImportFrom):
                for alias in node.names:
                    assert hasattr(resolve_name(node.module), alias.name), alias.name
            elif isinstance(node, ast.Import):
                for alias in node.names:
                    resolve_name(alias.name)


@pages
def test_single_words_in_code_are_in_the_code(page):
    known = source_words() | FOREIGN_WORDS
    for code in inline_code(page):
        if word := re.fullmatch(r"(\w*[A-Za-z]\w*)(\(.*\))?", code):
            assert word[1] in known, f"{page.name}: no code has {word[1]!r}"


@pages
def test_commands_and_options_shown_exist(page):
    for words in commands(page):
        parse(words)


@pages
def test_overrides_shown_are_accepted(page):
    for words in commands(page):
        config, *overrides = parse(words).get("arguments") or [""]
        path = ROOT / "conf" / f"{config}.yaml"
        if path.exists():
            load(path, overrides)
    for override in filter(OVERRIDE.fullmatch, inline_code(page)):
        load(ROOT / "conf" / "quickstart.yaml", [override])


@pytest.mark.parametrize("page", [*PAGES, CHANGELOG], ids=lambda page: page.name)
def test_links_lead_to_files_and_headings(page):
    for target in re.findall(r"\]\((?!http)([^)]+)\)", page.read_text()):
        name, _, heading = target.partition("#")
        path = page.parent / name if name else page
        assert path.exists(), f"{page.name}: {target}"
        assert not heading or heading in headings(path), f"{page.name}: {target}"


def headings(page):
    """Anchors of a page's headings, as GitHub makes them."""
    titles = re.findall(r"^#+ (.*)", page.read_text(), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def test_every_page_is_in_the_index_and_the_index_in_the_readme():
    index = (ROOT / "docs" / "index.md").read_text()
    linked = set(re.findall(r"\]\(([\w-]+\.md)\)", index))
    assert linked == {page.name for page in DOCS} - {"index.md"}
    assert "](docs/index.md)" in (ROOT / "README.md").read_text()
    assert "](CHANGELOG.md)" in (ROOT / "README.md").read_text()


@pytest.mark.parametrize("folder", FOLDERS)
def test_the_architecture_lists_every_room_in_its_order(folder):
    page = (ROOT / "docs" / "architecture.md").read_text()
    rooms = re.findall(rf"^\| `{folder}/(\w+)(?:/|\.py)` \|", page, flags=re.MULTILINE)
    assert rooms == FOLDERS[folder]


def test_pages_show_commands_and_names():
    """So that the tests above do not pass because they find nothing."""
    everywhere = [words for page in PAGES for words in commands(page)]
    assert {"sweep", "tables", "compare", "simulate", "submit"} <= {
        words[0] for words in everywhere
    }
    assert any("--metric-b" in words for words in everywhere)


@pytest.mark.parametrize(
    "words", [["swep"], ["sweep", "--lokal"], ["tables", "quickstart", "--tabel", "all"]]
)
def test_a_wrong_command_or_option_is_found(words):
    with pytest.raises(Exception, match=r"No such (command|option)"):
        parse(words)
