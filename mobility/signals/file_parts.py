"""What a plan's, a week's or a log's JSON may say; an unknown key is refused."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from mobility.signals.log import Command, DataGap, Horizon, Promise, Request
from mobility.signals.problem import State  # noqa: TC001 - pydantic reads it
from mobility.solution import Report, Status, StopReason

Time = Annotated[float, Field(allow_inf_nan=False)]
Reference = Literal["begin-green", "begin-yellow", "end-yellow"]
DayName = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ReportFile(_Part):
    """How a solve went."""

    status: Status
    objective: Time | None = None
    objective_unit: str = ""
    parts: dict[str, Time] = {}
    bound: Time | None = None
    bound_scope: str = ""
    gap: Time | None = None
    seconds: Time = 0
    seed: int = 0
    stop_reason: StopReason = StopReason.FINISHED
    versions: dict[str, str] = {}

    def made(self) -> Report:
        """The report that was written; a negative gap says that it maximised."""
        told: dict[str, Any] = self.model_dump(exclude={"gap"})
        best, proven = self.objective, self.bound
        maximise = best is not None and proven is not None and proven > best
        return Report(**told, maximise=maximise)


class SignalPlanFile(_Part):
    """The program of one signal."""

    signal: str
    cycle_s: Time
    zero_s: Time
    offset_s: Time
    reference: Reference = "begin-green"
    reference_stage: str = ""
    stages: list[tuple[str, Time, Time]] = []
    shows: list[tuple[str, State, Time, Time]]


class PlanFile(_Part):
    """Programs of all signals for a part of the day."""

    name: str = "plan"
    from_s: int = 0
    to_s: int = 86_400
    digest: str = ""
    signals: list[SignalPlanFile]
    report: ReportFile | None = None


class SlotFile(_Part):
    """From when on which days which plan runs."""

    days: Annotated[list[DayName], Field(min_length=1)]
    from_s: Annotated[int, Field(ge=0, lt=86_400)]
    plan: str


class ScheduleFile(_Part):
    """A week of plans."""

    plans: Annotated[list[PlanFile], Field(min_length=1)]
    slots: Annotated[list[SlotFile], Field(min_length=1)]
    transition: Literal["shortway", "dwell"] = "shortway"


class RequestFile(_Part):
    """Somebody asks."""

    id: str
    signal: str
    kind: str
    group: str
    from_s: Time
    to_s: Time

    def made(self) -> Request:
        """As the log has it."""
        return Request(**self.model_dump())


class CommandFile(_Part):
    """Control changes what the plan would show."""

    signal: str
    at_s: Time
    cause: str
    request: str = ""
    stage: str = ""

    def made(self) -> Command:
        """As the log has it."""
        return Command(**self.model_dump())


class HorizonFile(_Part):
    """A plan for some time exists."""

    signal: str
    made_s: Time
    from_s: Time
    until_s: Time

    def made(self) -> Horizon:
        """As the log has it."""
        return Horizon(**self.model_dump())


class GapFile(_Part):
    """No fresh data for some time."""

    signal: str
    from_s: Time
    to_s: Time

    def made(self) -> DataGap:
        """As the log has it."""
        return DataGap(**self.model_dump())


class PromiseFile(_Part):
    """A published end."""

    signal: str
    group: str
    at_s: Time
    min_end_s: Time
    max_end_s: Time

    def made(self) -> Promise:
        """As the log has it."""
        return Promise(**self.model_dump())


class LogFile(_Part):
    """What was shown, and why."""

    digest: str = ""
    plan: PlanFile | None = None
    shown: list[tuple[str, str, str, Time, Time]]
    stages: list[tuple[str, str, Time, Time]] = []
    requests: list[RequestFile] = []
    commands: list[CommandFile] = []
    horizons: list[HorizonFile] = []
    gaps: list[GapFile] = []
    promises: list[PromiseFile] = []
