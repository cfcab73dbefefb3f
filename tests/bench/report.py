"""How every bench says what it found: a table for people, then one line of JSON for programs."""

import json
import os
import platform
import sys
from collections.abc import Sequence
from typing import Any


def machine() -> dict[str, Any]:
    """Return what the figures were measured on."""
    with open("/proc/cpuinfo", encoding="utf-8") as lines:
        models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    load = round(os.getloadavg()[0], 1)
    return {
        "processor": models[0] if models else platform.machine(),
        "cores": os.cpu_count(),
        "load": load,
        "python": platform.python_version(),
    }


def table(title: str, headers: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print rows under headers, numbers set flush right."""
    cells = [list(headers), *([_words(value) for value in row] for row in rows)]
    widths = [max(len(line[column]) for line in cells) for column in range(len(headers))]
    sys.stdout.write(f"\n{title}\n")
    for line in cells:
        first = line[0].ljust(widths[0])
        others = (value.rjust(width) for value, width in zip(line[1:], widths[1:], strict=True))
        sys.stdout.write("  ".join([first, *others]) + "\n")
    sys.stdout.flush()


def document(name: str, found: dict[str, Any]) -> None:
    """Print all figures as one line of JSON."""
    sys.stdout.write(json.dumps({"bench": name, "machine": machine(), **found}) + "\n")
    sys.stdout.flush()


def _words(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:.2e}" if 0 < abs(value) < 1e-3 else f"{value:.2f}"
    return str(value)
