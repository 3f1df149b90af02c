"""Tests in the workers of pytest-xdist, which are programs by themselves."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from counting_app import hits, workers

if __name__ == "__main__":
    shutil.copy(Path(__file__).with_name("counted_tests.py"), "test_counted.py")
    subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-n", "2"],
        stdout=subprocess.DEVNULL,
        check=True,
        timeout=50,
    )
    assert len(workers) == 2
    print(hits.get())
