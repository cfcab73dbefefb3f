"""The text of an XML file in UTF-8: the parser takes no encoding of several bytes but Unicode's.

Office software of the country still writes GB 2312 and GBK; both are parts of GB 18030.
"""

import re

from gis_data._rows import Refused

_GB = re.compile(rb"(<\?xml[^>]{0,200}?encoding\s*=\s*[\"'])(gb2312|gbk|gb18030)([\"'])", re.I)


def utf8(data: bytes) -> tuple[bytes, str]:
    """Return the file as the parser takes it, and the encoding that it was written in.

    Raises
    ------
    Refused
        Its bytes are not the encoding that it names.
    """
    declared = _GB.match(data)
    if declared is None:
        return data, "UTF-8"
    try:
        text = data[declared.end() :].decode("gb18030")
    except UnicodeDecodeError as error:
        named = declared[2].decode().upper()
        raise Refused(
            "encoding", f"文件自称是 {named} 编码，内容却不是。请另存为 UTF-8 后再交。"
        ) from error
    return declared[1] + b"UTF-8" + declared[3] + text.encode(), "GB18030"
