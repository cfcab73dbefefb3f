"""`sinks restoration loss` and `wetland-fee`: what a damaged site lost, what a wetland costs; no
database."""

from pathlib import Path
from typing import Annotated, Any

import typer

from sinks.cli import _input, _out
from sinks.cli._out import Json
from sinks.restoration import loss, wetland_fee

app = typer.Typer()


@app.command("loss")
def assess_loss(
    input_path: Annotated[Path, typer.Option("--input", help="输入文件（JSON）；- 为标准输入")],
    as_json: Json = False,
) -> None:
    """按 M1、M2、M3 或 HEA 计算受损地的碳汇损失，逐步写明。"""
    answer = loss.assess(_input.json_object(input_path))
    _out.give(answer, steps_text(answer), as_json=as_json)


def steps_text(answer: dict[str, Any]) -> str:
    """The steps of an assessment and its warnings, one a line."""
    lines = [f"{step['name']}：{step['text']}" for step in answer["steps"]]
    return "\n".join([*lines, *(f"提示：{warning}" for warning in answer.get("warnings", []))])


@app.command("wetland-fee")
def compute_fee(
    area_m2: Annotated[
        Any, typer.Option("--area-m2", parser=_input.number, metavar="A", help="占用面积（平方米）")
    ],
    tier: Annotated[
        str,
        typer.Option(
            help="湿地类别：" + "、".join(f"{k} {v}" for k, v in wetland_fee.TIERS.items())
        ),
    ],
    as_json: Json = False,
) -> None:
    """占用重要湿地应缴的湿地恢复费。"""
    answer = wetland_fee.fee(area_m2, tier)
    fen = int(answer["fee_fen"])
    text = f"{fen // 100:,}.{fen % 100:02d} 元。{answer['basis']}"
    _out.give(answer, text, as_json=as_json)
