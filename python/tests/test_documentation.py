"""Every Python example in the README and in docs/ runs."""

import pathlib
import re
import subprocess
import sys

import hidden_lines
import pytest
from support import engine_servers

ROOT = pathlib.Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
EXAMPLES = [
    pytest.param(example, id=f"{page.name}-{number}")
    for page in PAGES
    for number, example in enumerate(
        re.findall(r"```python\n(.*?)```", page.read_text(), re.DOTALL)
    )
]


def test_there_are_examples() -> None:
    assert len(EXAMPLES) >= 2


def test_the_site_hides_lines_that_rustdoc_hides() -> None:
    page = (
        "# Title\n```rust\n# use a;\n#[b]\nc();\n#\n```\n"
        "```sh\n# d\n```\n```rust,no_run\n# e\n```\n"
    )
    shown = "# Title\n```rust\n#[b]\nc();\n```\n```sh\n# d\n```\n```rust,no_run\n```\n"
    assert hidden_lines.on_page_markdown(page) == shown


# Where an example has its server.
SERVER = "redis://localhost/"

@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: pathlib.Path) -> None:
    links = re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text())
    inside = [link for link in links if not re.match(r"[a-z]+:", link)]
    assert [link for link in inside if not (page.parent / link).exists()] == []


# A host that has died is started again by a thread, which under fork Python 3.12 and later
# tell in development mode, whichever thread forks.
FORKED_BY_A_THREAD = "ignore:This process:DeprecationWarning"


# Nor is it the example's fault if the machine has other work, which asyncio tells then.
SLOW = r"(?m)^Executing <.*> took [\d.]+ seconds\n"


@pytest.mark.parametrize("example", EXAMPLES)
def test_example(example: str, tmp_path: pathlib.Path) -> None:
    if SERVER in example:
        if not engine_servers.PROGRAMS:
            pytest.skip("there is no valkey-server or redis-server here")
        server = engine_servers.server(next(iter(engine_servers.PROGRAMS)))
        example = example.replace(SERVER, f"redis://127.0.0.1:{server.port}/")
    script = tmp_path / "example.py"
    script.write_text(example)
    done = subprocess.run(
        [sys.executable, "-X", "dev", "-W", FORKED_BY_A_THREAD, script],
        capture_output=True,
        text=True,
        timeout=50,
    )
    assert done.returncode == 0, done.stderr
    assert re.sub(SLOW, "", done.stderr) == ""
