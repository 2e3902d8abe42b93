"""Executes a notebook as Kaggle would: `python execute.py NOTEBOOK OUT [OLD NEW]`.

Run inside the root that `test_execution.py` makes. The kernel talks over sockets of the file
system, because there is no network at all, not even to itself. OLD is replaced by NEW in its code.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path


def main(notebook: str, out: str, old: str = "", new: str = "") -> None:
    """Execute, and keep the notebook with its outputs however it ended."""
    import nbformat
    from jupyter_client.manager import AsyncKernelManager
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError

    # Where Kaggle begins; the kernel begins there too, and its sockets are named from there.
    os.chdir("/kaggle/working")
    content = nbformat.read(notebook, as_version=4)
    for cell in content.cells:
        if old and cell.cell_type == "code":
            cell.source = cell.source.replace(old, new)
    manager = AsyncKernelManager(kernel_name="python3", transport="ipc")
    client = NotebookClient(content, km=manager, timeout=1400)
    try:
        client.execute()
    except CellExecutionError as error:
        print(error)
        sys.exit(1)
    finally:
        nbformat.write(content, Path(out))


if __name__ == "__main__":
    main(*sys.argv[1:])
