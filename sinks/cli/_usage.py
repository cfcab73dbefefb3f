"""What the command-line library says of a wrong call, in Chinese; what is not known stays as it is."""

import re

_SAID = (
    (r"Missing argument '([^']+)'\.", r"缺少参数 \1。"),
    (r"Missing option '([^']+)'\.(?: Choose from:\s+(.+))?", r"缺少选项 \1。\2"),
    (r"No such command '([^']+)'\.(.*)", r"没有命令 \1。\2"),
    (r"No such option: (\S+?)\.?( .*)?", r"没有选项 \1。\2"),
    (r"Got unexpected extra argument(?:\(s\)|s)? \((.+)\)", r"多出的参数：\1。"),
    (r"Option '([^']+)' requires an argument\.", r"选项 \1 后面要有值。"),
    (r"Invalid value for '([^']+)': (?:Value error, )?(.+)", r"\1 的值不对：\2"),
)
_INSIDE = (
    (r"(?<=。)((?:\w+,\s+)+\w+)$", r"可选：\1。"),
    (r"'([^']*)' is not one of (.+?)\.?$", r"“\1”不在可选之列。可选：\2。"),
    (r"Input should be a valid integer.*", r"须是整数。"),
    (r"Input should be a valid number.*", r"须是数。"),
    (r"Input should be greater than or equal to (\S+)", r"不得小于 \1。"),
    (r"Input should be less than or equal to (\S+)", r"不得大于 \1。"),
    (r"Invalid isoformat string: '([^']*)'", r"“\1”不是日期，应写成 2026-01-31。"),
    (r" ?\(Possible options?: (.+)\)", r"相近的有 \1。"),
    (r" ?Did you mean (.+?)\?", r"相近的有 \1。"),
)


def in_chinese(message: str) -> str:
    """Return the sentence in Chinese, with the names as they were typed."""
    for pattern, words in _SAID:
        if (found := re.fullmatch(pattern, message, re.S)) is not None:
            said = found.expand(words)
            for inner, inner_words in _INSIDE:
                said = re.sub(inner, inner_words, said, count=1)
            return re.sub(r",\s+", "、", said)
    return message
