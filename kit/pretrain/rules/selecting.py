"""Rules about the thing that stands out: keep, drop, crop, recolour, frame, move, mark it."""

from __future__ import annotations

import numpy as np

from kit.pretrain.rules.cells import blank, border
from kit.pretrain.rules.rule import Drawn, Maker, Rng, Room, Rule, chance, colours, variants
from kit.pretrain.rules.scenes import Scene, Thing, painted
from kit.pretrain.rules.selectors import (
    SELECTORS,
    SINGLES,
    Selection,
    draw_selection,
    task_palette,
)


def _over(rng: Rng, room: Room, name: str, act: object) -> Maker:
    """A maker that draws a scene with a selection and lets `act` make the output of it."""
    palette = task_palette(rng, name)

    def make(rng: Rng) -> Drawn:
        selection = draw_selection(rng, room, name, palette)
        if selection is None:
            return None
        output = act(*selection)  # type: ignore[operator]
        return None if output is None else (selection[0].grid(), output)

    return make


def _split(scene: Scene, chosen: list[bool]) -> tuple[list[Thing], list[Thing]]:
    pairs = list(zip(scene.things, chosen, strict=True))
    return [t for t, c in pairs if c], [t for t, c in pairs if not c]


def keep_selected(rng: Rng, room: Room, variant: str) -> Maker:
    """Only the selected things stay."""
    return _over(
        rng, room, variant,
        lambda s, c: painted(blank(s.height, s.width), _split(s, c)[0]),
    )  # fmt: skip


def erase_selected(rng: Rng, room: Room, variant: str) -> Maker:
    """The selected things go."""
    return _over(
        rng, room, variant,
        lambda s, c: painted(blank(s.height, s.width), _split(s, c)[1]),
    )  # fmt: skip


def recolour_selected(rng: Rng, room: Room, variant: str) -> Maker:
    """Selected things in a colour of their own, the others as they are or in another one."""
    palette = task_palette(rng, variant)
    new, rest = [c for c in colours(rng, 9) if c not in palette][:2]
    both = chance(rng, 0.5)

    def make(rng: Rng) -> Drawn:
        selection = draw_selection(rng, room, variant, palette)
        if selection is None:
            return None
        scene, chosen = selection
        things = [
            t.recoloured(new) if c else t.recoloured(rest) if both else t
            for t, c in zip(scene.things, chosen, strict=True)
        ]
        return scene.grid(), Scene(scene.height, scene.width, tuple(things)).grid()

    return make


def crop_selected(rng: Rng, room: Room, variant: str) -> Maker:
    """The one selected thing alone, cut out."""
    return _over(rng, room, variant, lambda s, c: _split(s, c)[0][0].cells)


def frame_selected(rng: Rng, room: Room, variant: str) -> Maker:
    """A frame is drawn around the selected things."""
    palette = task_palette(rng, variant)
    new = next(c for c in colours(rng, 9) if c not in palette)

    def act(scene: Scene, chosen: list[bool]) -> np.ndarray:
        frames = [
            Thing((border(t.height + 2, t.width + 2) * new).astype(np.uint8), t.y - 1, t.x - 1)
            for t in _split(scene, chosen)[0]
        ]
        return painted(painted(blank(scene.height, scene.width), frames), scene.things)

    def make(rng: Rng) -> Drawn:
        selection: Selection | None = draw_selection(rng, room, variant, palette)
        return None if selection is None else (selection[0].grid(), act(*selection))

    return make


def drop_selected(rng: Rng, room: Room, variant: str) -> Maker:
    """The selected thing moves down to the floor, if nothing is below it."""

    def act(scene: Scene, chosen: list[bool]) -> np.ndarray | None:
        moved, rest = _split(scene, chosen)
        thing = moved[0].at(scene.height - moved[0].height, moved[0].x)
        fixed = painted(blank(scene.height, scene.width), rest)
        below = fixed[moved[0].y :, thing.x : thing.x + thing.width]
        return None if below.any() else painted(fixed, [thing])

    return _over(rng, room, variant, act)


def colour_of_selected(rng: Rng, room: Room, variant: str) -> Maker:
    """Everything takes the colour of the selected thing."""
    palette = colours(rng, 4)

    def make(rng: Rng) -> Drawn:
        selection = draw_selection(rng, room, variant, palette)
        if selection is None:
            return None
        scene, chosen = selection
        dyed = tuple(
            t.recoloured(int(c))
            for t, c in zip(scene.things, rng.permutation(palette * 2), strict=False)
        )
        colour = _split(Scene(scene.height, scene.width, dyed), chosen)[0][0].colour
        result = tuple(t.recoloured(colour) for t in dyed)
        return (
            Scene(scene.height, scene.width, dyed).grid(),
            Scene(scene.height, scene.width, result).grid(),
        )

    return make


_PLAIN = tuple(name for name in SINGLES if name not in ("most_spots", "odd_colour"))

RULES: tuple[Rule, ...] = (
    *variants("selection", keep_selected, *SELECTORS),
    *variants("selection", erase_selected, *SELECTORS),
    *variants("selection", recolour_selected, *SELECTORS),
    *variants("selection", crop_selected, *SINGLES),
    *variants("selection", frame_selected, *SELECTORS),
    *variants("selection", drop_selected, "largest", "smallest", "hollow", "odd_shape", "square"),
    *variants("selection", colour_of_selected, *_PLAIN),
)
