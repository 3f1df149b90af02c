"""A few lines that change in place on a terminal, and a recording of them."""

from __future__ import annotations

import time
from html import escape
from typing import TextIO

_UP = "\x1b[{}F"
_CLEAR_LINE = "\x1b[K"


class Screen:
    """Shows lines over those before; without a terminal the first of each second alone."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._frames: list[tuple[float, list[str]]] = []
        self._last_second = -1

    def show(self, lines: list[str]) -> None:
        now = time.monotonic()
        begin = self._frames[0][0] if self._frames else now
        before = len(self._frames[-1][1]) if self._frames else 0
        self._frames.append((now, lines))
        if self._stream.isatty():
            up = _UP.format(before) if before else ""
            text = "".join(f"{line}{_CLEAR_LINE}\n" for line in lines)
            self._stream.write(up + text)
        else:
            is_last = len(lines) != before
            if int(now - begin) == self._last_second and not is_last:
                return
            self._last_second = int(now - begin)
            self._stream.write("\n".join(lines) + "\n\n")
        self._stream.flush()

    def record(self, path: str) -> None:
        """Write all that was shown as an animated SVG, which begins again after a while."""
        begin, end = self._frames[0][0], self._frames[-1][0] + _PAUSE
        total = end - begin
        width = max(len(line) for _, lines in self._frames for line in lines)
        height = max(len(lines) for _, lines in self._frames)
        styles, groups = [], []
        starts = [shown - begin for shown, _ in self._frames] + [total]
        for number, (_, lines) in enumerate(self._frames):
            first, last = (100 * start / total for start in starts[number : number + 2])
            hidden = f"0%,{first:.2f}%{{opacity:0}}" if first else ""
            styles.append(
                f"@keyframes f{number}{{{hidden}{first + 0.01:.2f}%,{last:.2f}%{{opacity:1}}"
                f"{min(last + 0.01, 100):.2f}%,100%{{opacity:{int(last >= 100)}}}}}"
                f"#f{number}{{animation:f{number} {total:.1f}s step-end infinite}}"
            )
            texts = "".join(
                f'<text x="{_EDGE}" y="{_EDGE + (row + 1) * _LINE}">{escape(line)}</text>'
                for row, line in enumerate(lines)
                if line
            )
            groups.append(f'<g id="f{number}">{texts}</g>')
        # The last lines, where there is no animation.
        styles.append(f"#f{len(self._frames) - 1}{{opacity:1}}")
        size = int(width * _COLUMN + 2 * _EDGE), int((height + 1) * _LINE + 2 * _EDGE)
        with open(path, "w", encoding="utf-8") as file:
            file.write(
                f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {size[0]} {size[1]}">'
                f"<style>text{{font:14px monospace;fill:#d8dee9;white-space:pre}}g{{opacity:0}}"
                f"{''.join(styles)}</style>"
                f'<rect width="100%" height="100%" rx="6" fill="#20242c"/>'
                f"{''.join(groups)}</svg>\n"
            )


# The seconds for which a recording shows its last lines.
_PAUSE = 4.0
# The measures of a recording, in pixels.
_COLUMN, _LINE, _EDGE = 8.43, 20, 16
