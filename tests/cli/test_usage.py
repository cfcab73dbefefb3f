"""A call that was written wrong is told in Chinese, by the real program."""

import pytest

from sinks.cli import main

CALLS = {
    "methods example": "缺少参数 ID。",
    "land show": "没有命令 show。",
    "land lst": "没有命令 lst。相近的有 'list'。",
    "land list --nope": "没有选项 --nope。相近的有 --type。",
    "land check --type": "选项 --type 后面要有值。",
    "land check a.geojson": "缺少选项 --type。可选：bamboo、wetland、farmland、tea、other。",
    "land check a.geojson --type moso": "--type 的值不对：“moso”不在可选之列。可选：'bamboo'、'wetland'",
    "land list --limit abc": "--limit 的值不对：须是整数。",
    "land list --limit 0": "--limit 的值不对：不得小于 1。",
    "land list --limit 99999999": "--limit 的值不对：不得大于 ",
    "round open 1 --start 20": "--start 的值不对：“20”不是日期，应写成 2026-01-31。",
    "methods list extra": "多出的参数：extra。",
}


@pytest.mark.parametrize("call", CALLS)
def test_a_call_that_was_written_wrong_is_told_in_chinese(
    call: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main.run(call.split()) == main.WRONG_USAGE
    assert f"用法不对：{CALLS[call]}" in capsys.readouterr().err
