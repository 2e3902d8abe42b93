"""Small wheels that pip installs, and locks of them."""

from __future__ import annotations

import zipfile
from pathlib import Path

from build import pin_of

from kit.upload.wheel_lock import Pin, write_lock


def make_wheel(
    folder: Path,
    name: str,
    version: str = "1.0",
    fields: str = "License-Expression: MIT\n",
    files: dict[str, bytes] | None = None,
) -> Path:
    """A wheel with one module that knows its version, and more files where they are given."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}-{version}-py3-none-any.whl"
    info = f"{name}-{version}.dist-info"
    head = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{fields}"
    content: dict[str, bytes] = {
        f"{name}.py": f'VERSION = "{version}"\n'.encode(),
        f"{info}/METADATA": head.encode(),
        f"{info}/WHEEL": b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        **(files or {}),
    }
    record = "".join(f"{member},,\n" for member in content) + f"{info}/RECORD,,\n"
    with zipfile.ZipFile(path, "w") as wheel:
        for member, data in {**content, f"{info}/RECORD": record.encode()}.items():
            wheel.writestr(member, data)
    return path


def make_set(folder: Path, *names: str, lock: str = "preferred") -> list[Pin]:
    """Wheels of these names and a lock of them in one folder."""
    pins = [pin_of(make_wheel(folder, name)) for name in names]
    write_lock(folder / f"{lock}.lock", pins, "a test")
    return pins
