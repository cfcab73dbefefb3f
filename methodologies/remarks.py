"""What a run has to say beside its numbers: warnings, refusals, and the factors it really took."""

from dataclasses import dataclass, field
from typing import Any

from methodologies import factors
from methodologies.base import FactorMissing, Notice
from methodologies.statistics import Estimate


@dataclass(slots=True)
class Remarks:
    """Warnings and refusals of one run; `used` are the factors it really took."""

    warnings: list[Notice] = field(default_factory=list)
    refusals: list[Notice] = field(default_factory=list)
    used: set[str] = field(default_factory=set)

    def warn(self, code: str, message: str) -> None:
        """Add a warning."""
        self.warnings.append(Notice(code, message))

    def refuse(self, code: str, message: str) -> None:
        """Add a refusal: nothing is issued."""
        self.refusals.append(Notice(code, message))

    def number(self, factor_id: str) -> float:
        """Return the factor's value and remember that it was used."""
        self.used.add(factor_id)
        return factors.number(factor_id)

    def decided(self, value: Any, factor_id: str, key: str, fallback: Any) -> Any:
        """Return the registrar's decision; if there is none, refuse and go on with the fallback."""
        if value is not None:
            return value
        self.used.add(factor_id)
        try:
            return factors.required(factor_id)
        except FactorMissing as missing:
            message = f"{missing} 也可在输入的 {key} 中给出。"
            if Notice(missing.code, message) not in self.refusals:
                self.refuse(missing.code, message)
            return fallback

    def warn_of_recalled(self) -> None:
        """Warn, naming them, of factors that were used and were recalled rather than read."""
        recalled = sorted(
            i
            for i in self.used
            if factors.factor(i).confidence == factors.MEMORY
            and factors.factor(i).value is not None
        )
        if recalled:
            self.warn(
                "MEMORY_FACTOR",
                f"以下因子凭记忆录入、未见原文，须在签发前核对：{'、'.join(recalled)}。",
            )

    def warn_of_skewness(self, estimate: Estimate) -> None:
        """Warn where skewed residuals have widened the interval."""
        if estimate.t_added:
            self.warn(
                "SKEWED_RESIDUALS",
                "少数样地与其余差得很远（如图上没有看到的采伐），样地误差偏斜，按 t 分布算的区间会过窄："
                f"t 值由 {estimate.t90 - estimate.t_added:.4f} 增加 {estimate.t_added:.4f}，半宽随之加宽"
                "（Cochran 1977；Hall 1992）。请核对这些样地，并在类似的林地补设样地。",
            )
