"""`sinks methods`: the released methods, their inputs, and a calculation; no database."""

from pathlib import Path
from typing import Annotated, Any

import typer

from methodologies import catalogue
from sinks.cli import _input, _out
from sinks.cli._out import Json

app = typer.Typer()

MethodId = Annotated[str, typer.Argument(help="方法编号，如 moso-mgmt/1", metavar="ID")]


@app.command("list")
def list_methods(as_json: Json = False) -> None:
    """列出已发布的方法。"""
    rows = [
        {
            "id": method.id,
            "title": method.title_zh,
            "title_en": method.title_en,
            "sink_type": method.sink_type,
            "credit_class": method.credit_class,
        }
        for method in catalogue.METHODS.values()
    ]
    text = _out.table(
        ("编号", "名称", "类型", "等级"),
        [(row["id"], row["title"], row["sink_type"], row["credit_class"]) for row in rows],
        empty="没有方法。",
    )
    _out.give(rows, text, as_json=as_json)


@app.command()
def schema(method_id: MethodId, as_json: Json = False) -> None:
    """输入的 JSON Schema。"""
    _give_document(catalogue.method(method_id).schema(), as_json=as_json)


@app.command()
def example(method_id: MethodId, as_json: Json = False) -> None:
    """一份可以直接计算的输入；可存成文件再改。"""
    _give_document(catalogue.method(method_id).example(), as_json=as_json)


def _give_document(document: dict[str, Any], *, as_json: bool) -> None:
    """A document is JSON for people too: it is there to be saved and edited."""
    _out.give(document, _out.indented(document), as_json=as_json)


@app.command()
def run(
    method_id: MethodId,
    input_path: Annotated[
        Path, typer.Option("--input", help="输入文件，形如 example 打印的；- 为标准输入")
    ],
    as_json: Json = False,
) -> None:
    """按输入计算。结果含不能签发的原因（refusals）时，退出状态为 1，数值照样给出。"""
    result = catalogue.method(method_id).run(_input.json_object(input_path))
    if result["refusals"]:
        first = result["refusals"][0]
        document = _out.refused(first["code"], first["message"], result)
        raise _out.fail(document, _summary(result), as_json=as_json)
    _out.give(result, _summary(result), as_json=as_json)


def _summary(result: dict[str, Any]) -> str:
    if not result["components"] and result["gross_co2_t"] == 0.0:
        # Statistics, one plot, a price: their numbers are all there is to read.
        lines = [f"方法            {result['method']}", _out.indented(result["intermediate"])]
        return "\n".join([*lines, *_remarks(result)])
    lines = [
        f"方法            {result['method']}",
        f"估计移除量      {result['gross_co2_t']:,.3f} tCO2e（标准误 {_t(result['stderr_co2_t'])}）",
        f"不确定性扣减    {_share(result['deduction_share'])}",
        f"净移除量        {result['net_co2_t']:,.3f} tCO2e",
        f"缓冲            {result['buffer_co2_t']:,.3f} tCO2e",
        f"可签发          {_out.kg(result['issuable_kg'])}",
    ]
    return "\n".join([*lines, *_remarks(result)])


def _remarks(result: dict[str, Any]) -> list[str]:
    return [
        *(f"提示（{item['code']}）：{item['message']}" for item in result["warnings"]),
        *(f"不能签发（{item['code']}）：{item['message']}" for item in result["refusals"]),
    ]


def _t(value: float | None) -> str:
    return "未知" if value is None else f"{value:,.3f}"


def _share(value: float | None) -> str:
    return "未知" if value is None else f"{value:.2%}"
