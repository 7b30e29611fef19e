"""Ctrl-C keeps the best plan so far: real signals, sent in the midst of the work."""

import json
import os
import signal
import sys
import threading

import pytest

import mobility as mb
from mobility import fleet
from mobility.cli import run
from mobility.fleet import chain
from mobility.solution import StopReason
from mobility.stop import ctrl_c


def press():
    os.kill(os.getpid(), signal.SIGINT)


@pytest.fixture(scope="module")
def problem():
    return fleet.problem(mb.samples.read("changsha").day("2025-07-01"))


@pytest.fixture
def pressed_while_driving(monkeypatch):
    """Ctrl-C while the first blocks are put onto batteries; how often that is done."""
    calls, drive = [], chain._driven

    def driven(*given):
        calls.append(given)
        if len(calls) == 1:
            press()
        return drive(*given)

    monkeypatch.setattr(chain, "_driven", driven)
    return calls


def is_whole(problem, plan):
    assert plan.report.stop_reason is StopReason.INTERRUPTED
    assert plan.report.objective is not None
    assert fleet.check(problem, plan) == []


def test_the_quick_chain_ends_with_its_first_plan(problem, pressed_while_driving):
    is_whole(problem, fleet.plan(problem))
    assert len(pressed_while_driving) == 1
    again = fleet.plan(problem)
    assert again.report.stop_reason is StopReason.FINISHED
    assert len(pressed_while_driving) == 3
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_electrify_ends_with_the_quick_chain_where_it_is_pressed_there(
    problem, pressed_while_driving
):
    is_whole(problem, fleet.electrify(problem, stop=mb.Gap(0.0)))


def test_electrify_ends_with_a_plan_where_it_is_pressed_first_of_all(problem, monkeypatch):
    electrify = sys.modules["mobility.fleet.electrify"]  # its function has its name
    ask = electrify.asked_of
    monkeypatch.setattr(electrify, "asked_of", lambda *given: press() or ask(*given))
    is_whole(problem, fleet.electrify(problem, stop=mb.Gap(0.0)))


def test_electrify_ends_with_the_best_of_its_search(problem):
    def stop(progress):
        if progress.work >= 1:
            press()

    is_whole(problem, fleet.electrify(problem, stop=stop))


def test_charging_a_table_ends_with_the_best_so_far(samples_folder):
    stays = fleet.read_stays(samples_folder / "stays.csv", samples_folder / "site.toml")

    def stop(progress):
        if progress.work == 1:
            press()

    plan = fleet.charge_stays(stays, stop=stop)
    if plan.report.stop_reason is not StopReason.FINISHED:  # proved optimal before a round was over
        is_whole(stays, plan)


def test_the_command_writes_the_best_plan_and_says_130(
    problem, pressed_while_driving, tmp_path, capsys
):
    out = tmp_path / "plan"
    asked = ["fleet", "plan", "changsha", "--date", "2025-07-01", "--out", str(out), "--json"]
    assert run(asked) == 130
    said = capsys.readouterr()
    assert json.loads(said.out)["stop_reason"] == "interrupted"
    assert "interrupted" in said.err
    assert (out / "blocks.csv").is_file()
    assert run(["fleet", "check", str(out)]) == 0


def test_the_charge_command_keeps_the_plan_that_came_in(tmp_path, capsys, monkeypatch):
    out = tmp_path / "plan"
    assert run(["fleet", "plan", "changsha", "--date", "2025-07-01", "--out", str(out)]) == 0

    def charge(*_, **__):
        press()
        raise AssertionError("the signal came first")

    monkeypatch.setattr(fleet, "charge", charge)
    assert run(["fleet", "charge", str(out), "--out", str(tmp_path / "charged")]) == 130
    assert (tmp_path / "charged" / "sessions.csv").is_file()


def test_a_second_press_ends_at_once():
    def twice():
        with ctrl_c() as told:
            press()
            assert told.pressed
            press()

    with pytest.raises(KeyboardInterrupt):
        twice()
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_step_within_a_step_tells_the_one_around_it():
    with ctrl_c() as outer:
        with ctrl_c() as inner:
            press()
        assert inner.pressed
        assert outer.pressed


def test_a_thread_has_no_signals(problem):
    seen = []

    def work():
        with ctrl_c() as told:
            seen.append(told.pressed)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [False]
