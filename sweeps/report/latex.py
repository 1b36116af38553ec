r"""Tables in LaTeX, for the packages booktabs and pifont (its marks).

Written here because pandas' ``Styler.to_latex`` draws no rule between groups of rows and has no
row for a group's name; with its escaping done by hand it would be no shorter.
"""

from collections.abc import Iterable, Sequence

from sweeps.report.table import MINUS, MISSING, Table, TableCell

ESCAPES = {
    ord(letter): text
    for letter, text in {
        "\\": r"\textbackslash{}", "_": r"\_", "%": r"\%", "&": r"\&", "#": r"\#", "$": r"\$",
        "{": r"\{", "}": r"\}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}",
        MINUS: "$-$", MISSING: "--", "±": r"$\pm$", "✓": r"\ding{51}", "✗": r"\ding{55}",
        "<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}",
    }.items()
}  # fmt: skip


def to_latex(tables: Sequence[Table], caption: str) -> str:
    """One LaTeX table of tables with the same columns, each a group of rows under its title."""
    columns = tables[0].columns
    lines = [
        r"% \usepackage{booktabs,pifont}",
        r"\begin{table}",
        rf"\caption{{{_escaped(caption)}}}",
        rf"\begin{{tabular}}{{l{'r' * (len(columns) - 1)}}}",
        r"\toprule",
        _latex_row(map(_escaped, columns)),
    ]
    for table in tables:
        heading = rf"\multicolumn{{{len(columns)}}}{{l}}{{\emph{{{_escaped(table.title)}}}}} \\"
        lines += [r"\midrule", heading, *(_latex_row(map(_latex_text, row)) for row in table.rows)]
    lines += [r"\bottomrule", r"\end{tabular}", r"\end{table}"]
    return "\n".join(lines) + "\n"


def _latex_text(cell: TableCell) -> str:
    text = rf"\textbf{{{_escaped(cell.text)}}}" if cell.bold else _escaped(cell.text)
    spread = rf" {{\scriptsize{_escaped(cell.spread)}}}" if cell.spread else ""
    return f"{text}{spread}{'*' if cell.starred else ''}"


def _latex_row(texts: Iterable[str]) -> str:
    return " & ".join(texts) + r" \\"


def _escaped(text: str) -> str:
    return text.translate(ESCAPES)
