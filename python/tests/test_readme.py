"""The Python code of the READMEs, run as it stands."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BLOCKS = [
    (name, block)
    for name in ("README.md", "python/README.md")
    for block in re.findall(r"```python\n(.*?)```", (ROOT / name).read_text("utf-8"), re.DOTALL)
]


@pytest.mark.parametrize(("name", "block"), BLOCKS, ids=[name for name, _ in BLOCKS])
def test_it_runs(name, block):
    names = {}
    exec(compile(block, name, "exec"), names)
    assert names["result"].success
    assert names["result"].discrepancy[-1] < names["result"].discrepancy[0]


def test_there_is_some():
    assert {name for name, _ in BLOCKS} == {"README.md", "python/README.md"}
