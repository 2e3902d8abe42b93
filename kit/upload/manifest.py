"""Under which licences and from where the uploaded things come.

What it does: writes one short Markdown page per folder, the wheels' part from their lock. What it
does not: give legal advice, or read more of a package than its metadata said when it was locked.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from kit.upload.wheel_lock import Pin, WheelSet

CODE = """\
# Licences and origins: code

MIT, see LICENSE. The weights in `kit/weights` are our own and MIT as well; what they were trained
on, under which licences, and what they never saw is told in `kit/weights/README.md`. The contest's
tasks are not part of this folder.
"""

_FAMILIES = (
    ("copyleft", r"\bA?GPL|LGPL|Mozilla|MPL"),
    ("NVIDIA's own terms", r"NVIDIA|Proprietary"),
    ("public domain", r"CC0|Unlicense|Public Domain|0BSD"),
    ("permissive", r"\bMIT\b|\bBSD\b|Apache|\bISC\b|\bPSF\b|Python|Boost|Zlib|HPND"),
)
"""Family -> what its licences' names hold, first match counts."""

_REMARKS: Mapping[str, str] = {
    "unsloth": "its metadata say Apache-2.0, but 81 of the 159 modules of its folder `unsloth` are "
    "marked AGPL-3.0 in their first lines (among them the NF4 kernels), and so is its web "
    "application",
    "unsloth-zoo": "LGPL-3.0-or-later by its metadata; 92 of its 238 modules are marked AGPL-3.0",
}
"""Package -> what its metadata do not tell, counted in the modules of release 2026.10.7. Where a
contest asks for code under a permissive licence, `solve.trainer=torch` needs neither."""


def wheels_manifest(wheels: WheelSet, pins: Sequence[Pin]) -> str:
    """The page of a wheel set: unusual licences one by one, the rest counted."""
    by_family = {name: [pin for pin in pins if family(pin.licence) == name] for name in _names()}
    lines = [
        f"# Licences and origins: the wheel set {wheels.name}",
        "",
        f"{len(pins)} wheels, unchanged as the Python Package Index serves them; name, version, "
        f"hash and licence of each are in `{wheels.lock.name}`.",
        "",
        "| kind of licence | wheels |",
        "|---|---|",
        *(f"| {name} | {len(found)} |" for name, found in by_family.items()),
        "",
    ]
    for name in ("copyleft", "NVIDIA's own terms", "not named"):
        lines += [f"## {name.capitalize() if name[0].islower() else name}", ""]
        lines += [f"- {pin.name} {pin.version}: {pin.licence}" for pin in by_family[name]]
        lines += ["" if by_family[name] else "none\n"]
    lines += ["## Remarks", ""]
    here = {pin.name for pin in pins}
    lines += [f"- {name}: {text}" for name, text in _REMARKS.items() if name in here]
    return "\n".join(lines) + "\n"


def model_manifest(model: Path) -> str:
    """The page of a model: what its own files say.

    A model card (README.md) with a YAML head says licence and base model; where there is none, the
    page says so.
    """
    card = model / "README.md"
    text = card.read_text(encoding="utf-8", errors="replace") if card.is_file() else ""
    head = re.match(r"---\n(.*?)\n---", text, re.DOTALL)
    fields = (
        dict(re.findall(r"^(license|base_model|datasets):\s*(\S.*)$", head[1], re.M))
        if head
        else {}
    )
    config = json.loads((model / "config.json").read_text(encoding="utf-8"))
    kind = ", ".join(config.get("architectures", [])) or config.get("model_type", "unknown")
    return "\n".join(
        [
            "# Licence and origin: model",
            "",
            f"- architecture: {kind}",
            f"- licence: {fields.get('license', 'not named in a model card (README.md): add one')}",
            f"- base model: {fields.get('base_model', 'not named')}",
            f"- data: {fields.get('datasets', 'not named')}",
            "",
        ]
    )


def family(licence: str) -> str:
    """The kind of a licence by its name; "not named" where the name says nothing."""
    for name, pattern in _FAMILIES:
        if re.search(pattern, licence, re.IGNORECASE):
            return name
    return "not named"


def _names() -> Iterable[str]:
    return (*(name for name, _ in _FAMILIES), "not named")
