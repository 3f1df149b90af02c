"""Builds the Rust program. A library that cannot be built is left out, with the reason."""

from __future__ import annotations

import subprocess
from pathlib import Path

SOURCE = Path(__file__).parents[1] / "rust"
# A feature for each library that other crates have to be built for.
FEATURES = ("dashmap", "heed", "iceoryx2")
MOST_SECONDS = 1800


def cargo(command: str, folder: Path, features: tuple[str, ...]) -> str | None:
    """Runs cargo, and returns the reason if it fails."""
    arguments = ["cargo", command, "--release", "--quiet", "--no-default-features"]
    arguments += ["--features", ",".join(features), "--target-dir", str(folder)]
    arguments += ["--manifest-path", str(SOURCE / "Cargo.toml")]
    try:
        done = subprocess.run(arguments, capture_output=True, text=True, timeout=MOST_SECONDS)
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"{type(error).__name__}: {error}"[:120]
    if done.returncode == 0:
        return None
    lines = [line for line in done.stderr.splitlines() if "error" in line]
    return f"not built: {lines[0][:120] if lines else done.returncode}"


def build(folder: Path) -> tuple[Path | None, dict[str, str]]:
    """Returns the program, if there is one, and the libraries that are missing in it."""
    program = folder / "release" / "sharevar-bench"
    missing: dict[str, str] = {}
    failure = cargo("build", folder, FEATURES)
    if failure is None:
        return program, missing
    for feature in FEATURES:
        reason = cargo("check", folder, (feature,))
        if reason is not None:
            missing[f"{feature}, Rust"] = reason
    working = tuple(feature for feature in FEATURES if f"{feature}, Rust" not in missing)
    failure = cargo("build", folder, working)
    if failure is None:
        return program, missing
    return None, {"Rust": failure}
