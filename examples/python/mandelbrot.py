"""A picture that Python and Rust processes paint in one shared array, shown live.

    cargo build --release -p sharevar --example mandelbrot
    python examples/python/mandelbrot.py target/release/examples/mandelbrot

Then a browser shows it at http://127.0.0.1:8000. Without a path Python paints alone;
``--seconds 0`` ends when it is painted.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import subprocess
import threading
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np

import sharevar

WIDTH, HEIGHT = 480, 320

PAGE = f"""<!doctype html><title>painted by many</title>
<canvas id=c width={WIDTH} height={HEIGHT} style="width:{2 * WIDTH}px"></canvas>
<script>
const context = c.getContext("2d"), image = context.createImageData({WIDTH}, {HEIGHT});
async function show() {{
  const depths = new Uint8Array(await (await fetch("pixels")).arrayBuffer());
  depths.forEach((depth, place) =>
    image.data.set([depth * 5, depth * 3, 255 - depth, depth ? 255 : 0], 4 * place));
  context.putImageData(image, 0, 0);
  setTimeout(show, 100);
}}
show();
</script>"""


def depths(row: int) -> np.ndarray:
    """The steps, at most 255, until the point of each pixel has left the circle of radius 2."""
    point = np.arange(WIDTH) / 160.0 - 2.2 + 1j * (row / 160.0 - 1.0)
    steps, z = np.zeros(WIDTH, np.uint8), np.zeros(WIDTH, complex)
    for _ in range(255):
        inside = z.real**2 + z.imag**2 <= 4.0
        z[inside] = z[inside] ** 2 + point[inside]
        steps[inside] += 1
    return steps


def paint(name: str) -> None:
    """Paint rows as long as there are some."""
    studio = sharevar.attach(name)
    rows, painted = studio["rows"], studio["painted"]
    pixels = np.frombuffer(studio["pixels"], np.uint8).reshape(HEIGHT, WIDTH)
    while True:
        try:
            row = rows.get_nowait()
        except sharevar.queues.Empty:
            return
        pixels[row] = depths(row)
        # Only now: the row of a painter that is killed before this is painted again.
        painted[row] = "Python"


def serve(pixels: np.ndarray, port: int) -> ThreadingHTTPServer:
    """Show the page, and the pixels as they are at the moment of each request."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            content = pixels.tobytes() if self.path == "/pixels" else PAGE.encode()
            kind = "application/octet-stream" if self.path == "/pixels" else "text/html"
            self.send_response(200)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *arguments: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("rust", nargs="?", help="the path of the Rust painter")
    parser.add_argument("--port", type=int, default=8000, help="of the page; 0 is any")
    parser.add_argument("--seconds", type=float, default=3600, help="to show it afterwards")
    arguments = parser.parse_args()

    name = f"mandelbrot-{os.getpid()}"
    studio = sharevar.Manager(name=name)
    memory = studio.Array("B", WIDTH * HEIGHT, name="pixels")
    rows, painted = studio.Queue(name="rows"), studio.dict(name="painted")
    pixels = np.frombuffer(memory, np.uint8).reshape(HEIGHT, WIDTH)
    with serve(pixels, arguments.port) as server:
        print(f"http://127.0.0.1:{server.server_port}", flush=True)
        while missing := [row for row in range(HEIGHT) if row not in painted]:
            rows.put_many(missing)
            painters = [
                multiprocessing.Process(target=paint, args=(name,)) for _ in range(2)
            ]
            for painter in painters:
                painter.start()
            if arguments.rust:
                subprocess.run([arguments.rust, name], check=True)
            for painter in painters:
                painter.join()
        by = ", ".join(f"{count} by {who}" for who, count in Counter(painted.values()).items())
        print(f"{len(painted)} rows are painted: {by}; {pixels.mean():.1f} steps on average")
        time.sleep(arguments.seconds)
        server.shutdown()


if __name__ == "__main__":
    main()
