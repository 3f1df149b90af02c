"""sharevar in multiprocessing's place: `install`, and whether that was done here.

A program that starts another Python program by a command may want to start it alike::

    import subprocess
    import sys

    from sharevar import installation

    runner = ["-m", "sharevar"] if installation.installed() else []
    subprocess.run([sys.executable, *runner, "--version"], check=True)

`install` imports this module. So a program that does not want to import sharevar finds
``sharevar.installation`` in `sys.modules` wherever it is installed.
"""

from typing import TYPE_CHECKING

from ._public import export, listing

if TYPE_CHECKING:
    from ._dropin.installation import install as install
    from ._dropin.installation import installed as installed
else:
    __getattr__ = export(
        __name__,
        {"install": "._dropin.installation", "installed": "._dropin.installation"},
    )

__all__ = ["install", "installed"]

__dir__ = listing(__name__)
