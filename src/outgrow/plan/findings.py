"""What planning comes across besides the plan itself: findings, and what is left out."""

from __future__ import annotations

from dataclasses import dataclass, field

from outgrow.dialect import expressions
from outgrow.model import plan

__all__ = ["Findings"]


@dataclass(kw_only=True, slots=True)
class Findings:
    """Collects findings and omissions in the order in which they are met."""

    findings: list[plan.Finding] = field(default_factory=list)
    omissions: list[plan.Omission] = field(default_factory=list)

    def add(
        self,
        severity: plan.Severity,
        *,
        code: str,
        message: str,
        remedy: str,
        table: str = "",
        column: str = "",
        count: int = 0,
        examples: tuple[str, ...] = (),
    ) -> None:
        """Record a finding."""
        self.findings.append(
            plan.Finding(
                severity=severity,
                code=code,
                message=message,
                remedy=remedy,
                table=table,
                column=column,
                count=count,
                examples=examples,
            )
        )

    def omit(self, kind: str, name: str, reason: str, table: str = "") -> None:
        """Record that something does not arrive, which needs no finding."""
        self.omissions.append(plan.Omission(kind=kind, name=name, reason=reason, table=table))

    def leave_out(self, kind: str, name: str, table: str, reason: str, severity: plan.Severity, remedy: str) -> None:
        """Record that something does not arrive, and that somebody should know it."""
        self.omit(kind, name, reason, table)
        self.add(
            severity,
            code=f"{kind.replace(' ', '_')}_left_out",
            message=f"{kind} {name} is not created: {reason}",
            remedy=remedy,
            table=table,
        )

    def note_caveat(self, kind: str, text: str, table: str, translated: expressions.Translation) -> None:
        """Record that a translation fails on some values where SQLite goes on."""
        if translated.caveat:
            self.add(
                plan.Severity.INFO,
                code="stricter",
                message=f"{kind} {text}: {translated.caveat}",
                remedy="Nothing to do, unless the application relies on such values",
                table=table,
            )
