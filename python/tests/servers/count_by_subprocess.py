"""Programs that a program starts, each of which counts once."""

from __future__ import annotations

import subprocess
import sys

from counting_app import hits

if __name__ == "__main__":
    command = [sys.executable, "-c", "import counting_app; counting_app.count()"]
    started = [subprocess.Popen(command) for _ in range(4)]
    assert [program.wait(timeout=50) for program in started] == [0] * 4
    print(hits.get())
