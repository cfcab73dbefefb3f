"""The program on a machine without a network: it comes up, works, and does not try to get out.

It runs in a network namespace that has a loopback and nothing else (unshare(1)), so that whatever
a library written in C might ask for is counted by the kernel, not only what Python asks for.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests import browser_steps

pytestmark = pytest.mark.browser

INSIDE = Path(__file__).with_name("inside.py")


def without_network() -> list[str]:
    """The command that starts another one in a network of its own, for root and for anybody else."""
    if os.geteuid() == 0:
        command = ["unshare", "--net"]
    else:
        command = ["unshare", "--user", "--map-current-user", "--keep-caps", "--net"]
    try:
        tried = subprocess.run([*command, "true"], capture_output=True, text=True, check=False)
    except FileNotFoundError:
        pytest.skip("unshare (util-linux) is not installed")
    if tried.returncode != 0:
        pytest.skip(f"this machine lets nobody make a network of his own: {tried.stderr.strip()}")
    return command


def test_it_works_on_a_machine_without_a_network_and_never_tries_to_leave_it() -> None:
    command = without_network()
    with browser_steps.data_folder() as folder:
        environment = browser_steps.environment(folder)
        environment["PYTHONPATH"] += f"{os.pathsep}{browser_steps.ROOT}"
        done = subprocess.run(
            [*command, sys.executable, str(INSIDE), str(folder), str(browser_steps.free_port())],
            cwd=browser_steps.ROOT, env=environment, capture_output=True, text=True, timeout=240,
            check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        said = json.loads(done.stdout.splitlines()[-1])
        calls = browser_steps.calls_in(folder)
    health, sign_in, public, check, screens = said["pages"].values()
    assert json.loads(health)["ok"] is True
    assert "登录名" in sign_in and "证书编号" in public
    assert "证书真实" in check
    assert '<div id="root">' in screens
    assert said["status"] == 0
    assert said["tries"] == 0
    assert said["tries_after_one"] > 0
    assert any("streamlit run" in call.program for call in calls)
    out = [call for call in browser_steps.leaving(calls) if "inside.py" not in call.program]
    assert out == []
