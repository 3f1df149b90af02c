//! A painter of one picture, which Python processes paint, too.
//!
//! `python examples/python/mandelbrot.py target/release/examples/mandelbrot` starts it.

use sharevar::{Manager, Result};

const WIDTH: usize = 480;
const HEIGHT: usize = 320;

fn main() -> Result<()> {
    let name = std::env::args().nth(1).unwrap_or_else(|| "example-mandelbrot".to_owned());
    let studio = Manager::open(&name)?;
    let pixels = studio.named("pixels").array::<u8>(WIDTH * HEIGHT)?;
    let rows = studio.named("rows").queue::<usize>()?;
    let painted = studio.named("painted").dict::<usize, String>()?;
    while let Some(row) = rows.try_get()? {
        for column in 0..WIDTH {
            pixels.set(row * WIDTH + column, depth(column, row))?;
        }
        // Only now: the row of a painter that is killed before this is painted again.
        painted.insert(&row, &"Rust".to_owned())?;
    }
    Ok(())
}

/// The steps, at most 255, until the point of a pixel has left the circle of radius 2.
fn depth(column: usize, row: usize) -> u8 {
    let (x, y) = (column as f64 / 160.0 - 2.2, row as f64 / 160.0 - 1.0);
    let (mut a, mut b) = (0.0, 0.0);
    for step in 0..255 {
        if a * a + b * b > 4.0 {
            return step;
        }
        (a, b) = (a * a - b * b + x, 2.0 * a * b + y);
    }
    255
}
