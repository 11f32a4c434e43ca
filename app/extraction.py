"""Finds for `pybabel extract` the sentences that Python code keeps in tables, such as SAID.

A development tool, named by app/locale/babel.cfg; no part of the running program.
"""

import ast
from collections.abc import Collection, Iterator, Mapping
from typing import IO, Any

Found = tuple[int, str | None, str, list[str]]


def sentences(
    source: IO[bytes],
    keywords: Collection[str],
    comment_tags: Collection[str],
    options: Mapping[str, Any],
) -> Iterator[Found]:
    """Every text in a Python file that begins like a sentence and ends like one; no docstrings.

    The shape is that of a Babel extraction method, which is called with more than it needs here.
    """
    tree = ast.parse(source.read())
    docstrings = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if not isinstance(node, ast.Constant) or id(node) in docstrings:
            continue
        text = node.value
        if isinstance(text, str) and text[:1].isupper() and text.endswith("."):
            yield node.lineno, None, text, []
