"""No file, class or function may outgrow the house."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FILES = sorted((ROOT / "tui").rglob("*.py"))
FILE_LINES, CLASS_LINES, CLASS_METHODS, FUNCTION_LINES = 400, 250, 20, 50


def oversize(path: Path) -> list[str]:
    source = path.read_text()
    name = path.relative_to(ROOT)
    lines = source.count("\n")
    found = [f"{name}: {lines} lines"] if lines > FILE_LINES else []
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        length = (node.end_lineno or node.lineno) - node.lineno + 1
        where = f"{name}:{node.lineno} {node.name}"
        if isinstance(node, ast.ClassDef):
            methods = sum(isinstance(item, ast.FunctionDef | ast.AsyncFunctionDef) for item in node.body)
            if length > CLASS_LINES or methods > CLASS_METHODS:
                found.append(f"{where}: class of {length} lines, {methods} methods")
        elif length > FUNCTION_LINES:
            found.append(f"{where}: function of {length} lines")
    return found


def test_there_is_something_to_measure():
    assert len(FILES) > 10


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_nothing_is_too_big(path: Path):
    assert oversize(path) == []


def test_a_function_of_51_lines_would_be_found(tmp_path: Path):
    big = ROOT / "tui" / "__init__.py"
    assert oversize(big) == []
    code = "def f():\n" + "    x = 1\n" * 50
    node = ast.parse(code).body[0]
    assert node.end_lineno - node.lineno + 1 == 51 > FUNCTION_LINES
