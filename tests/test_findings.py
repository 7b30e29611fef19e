"""Findings: one shape, one catalogue, a way to mend each."""

import ast
from pathlib import Path

import pytest

import mobility
from mobility.errors import ConfigError, TableError
from mobility.findings import catalogue, explain, finding

HOUSE = Path(mobility.__file__).parent


def codes_in_the_source():
    """Every literal code given to `finding(...)` anywhere in the package."""
    found = {}
    for path in HOUSE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if (
                isinstance(node, ast.Call)
                and getattr(node.func, "id", "") == "finding"
                and node.args
            ):
                for one in ast.walk(node.args[0]):
                    if isinstance(one, ast.Constant) and isinstance(one.value, str):
                        found.setdefault(one.value, f"{path.name}:{node.lineno}")
    return found


def test_every_code_in_the_source_is_in_the_catalogue():
    unknown = {code: at for code, at in codes_in_the_source().items() if code not in catalogue()}
    assert not unknown


def test_every_entry_says_what_why_and_how_to_mend():
    for rule in catalogue().values():
        assert len(rule.title) > 10, rule.code
        assert len(rule.why) > 15, rule.code
        assert len(rule.mend) > 8, rule.code
        assert not rule.title.endswith("."), rule.code


def test_a_finding_reads_as_file_row_column_what_mend():
    one = finding(
        "invalid_time", file="stop_times.txt", row=1042, column="departure_time", value="25:61:00"
    )
    first, second = str(one).splitlines()
    assert first.startswith("stop_times.txt:1042:departure_time: ")
    assert first.endswith("(found '25:61:00')")
    assert second.startswith("  mend: ")
    assert one.to_dict()["severity"] == "error"


def test_an_unknown_code_names_the_nearest():
    with pytest.raises(ConfigError, match="foreign_key_violation"):
        explain("foreign_key_violatoin")


def test_a_table_error_is_a_value_error_and_carries_its_findings():
    error = TableError.from_finding(finding("missing_required_file", file="stops.txt"))
    assert isinstance(error, ValueError)
    assert error.findings[0].file == "stops.txt"
    assert "mend:" in str(error)
