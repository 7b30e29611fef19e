"""Every notebook runs from a person's folder, and is stored without outputs."""

import json
from pathlib import Path

import pytest

from mobility import _jit

FOLDER = Path(__file__).parents[1] / "notebooks"
BOOKS = sorted(FOLDER.glob("*.ipynb"))


def test_there_is_one_for_every_domain_and_one_that_walks_a_city():
    assert {one.stem for one in BOOKS} == {"city", "fares", "fleet", "signals"}


@pytest.mark.parametrize("path", BOOKS, ids=lambda one: one.stem)
def test_a_notebook_is_stored_without_outputs(path):
    book = json.loads(path.read_text("utf-8"))
    for cell in book["cells"]:
        assert not cell.get("outputs"), cell["id"]
        assert cell.get("execution_count") is None, cell["id"]
    assert book["metadata"]["kernelspec"]["name"] == "python3"


@pytest.mark.parametrize("path", BOOKS, ids=lambda one: one.stem)
def test_a_notebook_runs(path, tmp_path, monkeypatch):
    nbformat = pytest.importorskip("nbformat", reason="nbclient is in the dev group")
    client = pytest.importorskip("nbclient", reason="nbclient is in the dev group")
    pytest.importorskip("matplotlib", reason="matplotlib is in the extra [plots]")
    _jit.warm_up()  # kernels are compiled once, not in a cell
    monkeypatch.setenv("MPLBACKEND", "module://matplotlib_inline.backend_inline")
    monkeypatch.setenv("PYTHONPATH", str(FOLDER.parent))
    book = nbformat.read(path, as_version=4)
    client.NotebookClient(book, timeout=120, resources={"metadata": {"path": tmp_path}}).execute()
    shown = [cell for cell in book.cells if cell.cell_type == "code" and cell.outputs]
    assert shown
    for cell in shown:
        for output in cell.outputs:
            text = str(output.get("data", {}).get("text/plain", ""))
            assert " object at 0x" not in text, cell.source
            assert len(text) < 6_000, f"{cell.source}: shows {len(text)} characters"
