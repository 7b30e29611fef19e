"""What the README shows is what comes out."""

import io
import re
from contextlib import redirect_stdout
from pathlib import Path

README = (Path(__file__).parents[1] / "README.md").read_text("utf-8")


def without_seconds(text):
    return re.sub(r"\d+\.\d s", "- s", text).strip()


def test_the_notebook_example_prints_what_it_says():
    code, shown = re.search(r"```python\n(.*?)```\n\n```\n(.*?)```", README, re.DOTALL).groups()
    told = io.StringIO()
    with redirect_stdout(told):
        exec(compile(code, "README.md", "exec"), {})
    assert without_seconds(told.getvalue()) == without_seconds(shown)
    assert len([line for line in code.splitlines() if line.strip()]) <= 8


def test_the_pictures_it_shows_are_there():
    for path in re.findall(r"!\[[^\]]*\]\(([^)]*)\)", README):
        assert (Path(__file__).parents[1] / path).is_file(), path
