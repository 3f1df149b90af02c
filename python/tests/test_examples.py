"""The programs in ``examples/python`` that people copy run, and say what they are to say."""

from __future__ import annotations

import importlib
import subprocess
import sys
import urllib.request
import xml.etree.ElementTree
from pathlib import Path

import numpy as np
import pytest

EXAMPLES = Path(__file__).parents[2] / "examples" / "python"

pytestmark = [pytest.mark.long, pytest.mark.one_version]


def run(program: str, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, str(EXAMPLES / program), *arguments],
        capture_output=True,
        text=True,
        timeout=50,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def test_the_numpy_pipeline_computes_every_frame() -> None:
    assert run("numpy_pipeline.py").startswith("40 frames of 240 x 320")


def test_the_job_queue_does_every_job_though_workers_die() -> None:
    said = run("job_queue.py")
    assert said.startswith("200 jobs are done, each once")
    # One of ten jobs kills its worker.
    assert "though 0 workers" not in said


def test_a_program_says_the_same_on_a_server() -> None:
    said = run("on_a_server.py")
    if "there is no server here" in said:
        pytest.skip("there is no valkey-server or redis-server here")
    in_memory, on_server = said.split("  on the server:\n")
    in_memory = in_memory.removeprefix("  in shared memory:\n")
    assert on_server == in_memory and on_server.startswith("words: {'a': 2, 'and': 2,")


def test_the_progress_bars_are_full_in_the_end() -> None:
    assert run("progress_bars.py").count("100 %") == 8


def test_many_paint_one_picture_and_the_page_shows_it() -> None:
    command = [sys.executable, str(EXAMPLES / "mandelbrot.py"), "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as painting:
        assert painting.stdout is not None
        try:
            address = painting.stdout.readline().strip()
            with urllib.request.urlopen(address, timeout=30) as page:
                assert "<canvas" in page.read().decode()
            assert painting.stdout.readline().startswith("320 rows are painted: 320 by Python")
            with urllib.request.urlopen(f"{address}/pixels", timeout=30) as answer:
                pixels = np.frombuffer(answer.read(), np.uint8).reshape(320, 480)
        finally:
            painting.kill()
    sys.path.insert(0, str(EXAMPLES))
    mandelbrot = importlib.import_module("mandelbrot")
    assert all((pixels[row] == mandelbrot.depths(row)).all() for row in range(0, 320, 20))


def test_the_kill_storm_loses_nothing_and_is_recorded(tmp_path: Path) -> None:
    recording = tmp_path / "storm.svg"
    said = run("kill_storm.py", "--seconds", "2", "--record", str(recording))
    *_, last = said.split("\n\n")[:-1]
    assert last.startswith("After the end") and "on sharevar 0 are lost" in last
    rows = [line.split() for line in said.splitlines()]
    kills = [int(row[1].replace(",", "")) for row in rows if row[:1] == ["kills"]]
    assert kills[-1] > 0
    drawing = xml.etree.ElementTree.parse(recording).getroot()
    texts = [text for text in drawing.itertext() if "operations lost" in text]
    assert len(texts) > 1
