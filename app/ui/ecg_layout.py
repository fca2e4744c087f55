"""Where each lead stands on the paper: pure geometry in millimetres, converted to pixels by whoever paints.

Conventions: 25 mm/s and 10 mm/mV unless chosen otherwise, lead order I II III aVR aVL aVF V1-V6, a calibration pulse of
1 mV x 200 ms at the start of each row. In layouts with columns the columns follow each other in time: column 2 begins
where column 1 ends, and the rhythm strip below runs through all of them.

x grows to the right, y downwards, both from the top left corner of the paper.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

SPEEDS_MM_S = (12.5, 25.0, 50.0)
GAINS_MM_MV = (5.0, 10.0, 20.0)
PULSE_S, PULSE_MV = 0.2, 1.0
LEAD_IN_MM = 2.5
"""Isoline before and after the calibration pulse."""
FIT_TIME_MM = 10 * 25.0
"""What 'fit' shows beside the left zone: ten seconds at 25 mm/s."""
NAME_ZONE_MM = 10.0
"""Left of the pulses where rows are so close that a name above the trace would hide some of it."""
HEADROOM_MM = 1.5
"""Between the top of the first pulse and the edge of the paper."""
SMALLEST_PITCH_MM = 8.0

_LIMB, _AUGMENTED = ("I", "II", "III"), ("aVR", "aVL", "aVF")
_CHEST = ("V1", "V2", "V3", "V4", "V5", "V6")


@dataclass(frozen=True)
class Scale:
    """Paper speed in mm/s and gain in mm/mV."""

    speed: float = 25.0
    gain: float = 10.0

    @property
    def pulse_mm(self) -> tuple[float, float]:
        """Width and height of the calibration pulse."""
        return PULSE_S * self.speed, PULSE_MV * self.gain

    @property
    def pulse_zone_mm(self) -> float:
        """Width kept free for the pulse, in whole bold squares so that time begins on a bold line."""
        return 5.0 * ceil((self.pulse_mm[0] + 2 * LEAD_IN_MM) / 5.0 - 1e-9)


@dataclass(frozen=True)
class Layout:
    """A named arrangement: `columns[c][r]` is the lead in column c, row r; `rhythm` leads take full rows below."""

    name: str
    columns: tuple[tuple[str, ...], ...]
    rhythm: tuple[str, ...] = ()

    @property
    def rows(self) -> int:
        """Rows on the paper, rhythm strips included."""
        return len(self.columns[0]) + len(self.rhythm)

    @property
    def names_left(self) -> bool:
        """Whether the leads' names stand left of their rows."""
        return len(self.columns) == 1

    def left_mm(self, scale: Scale) -> float:
        """Width of the zone before time begins: pulses, and names where they stand left."""
        return scale.pulse_zone_mm + NAME_ZONE_MM * self.names_left


LAYOUTS: dict[str, Layout] = {
    layout.name: layout
    for layout in (
        Layout("3 × 4 + II", (_LIMB, _AUGMENTED, _CHEST[:3], _CHEST[3:]), ("II",)),
        Layout("6 × 2", (_LIMB + _AUGMENTED, _CHEST)),
        Layout("12 × 1", (_LIMB + _AUGMENTED + _CHEST,)),
    )
}
DEFAULT_LAYOUT = "3 × 4 + II"


@dataclass(frozen=True)
class Strip:
    """One lead over one span of time: `start_s` to `start_s + seconds` of the recording, from `x_mm` on `y_mm`."""

    lead: str
    row: int
    x_mm: float
    y_mm: float
    start_s: float
    seconds: float

    @property
    def end_s(self) -> float:
        """Where the strip ends in the recording, in seconds."""
        return self.start_s + self.seconds


@dataclass(frozen=True)
class Sheet:
    """The paper in view: strips, one baseline a row, and the span of time that is shown."""

    strips: tuple[Strip, ...]
    baselines_mm: tuple[float, ...]
    pitch_mm: float
    scale: Scale
    left_mm: float
    names_left: bool
    width_mm: float
    height_mm: float
    start_s: float
    seconds: float

    def strip_at(self, x_mm: float, y_mm: float) -> Strip | None:
        """The strip whose row and column hold this point."""
        if not self.strips:
            return None
        row = min(range(len(self.baselines_mm)), key=lambda r: abs(self.baselines_mm[r] - y_mm))
        for strip in self.strips:
            if strip.row == row and 0 <= x_mm - strip.x_mm <= strip.seconds * self.scale.speed:
                return strip
        return None


def arrange(
    layout: Layout, scale: Scale, width_mm: float, height_mm: float, start_s: float, recording_s: float
) -> Sheet:
    """Lay the leads out on paper of this size.

    Args:
        layout: which lead stands where.
        scale: speed and gain.
        width_mm: width of the paper in view.
        height_mm: its height; rows share it evenly, on whole millimetres.
        start_s: first second shown; moved back when the recording would end before the paper does.
        recording_s: length of the recording.

    Returns:
        A sheet whose strips all lie inside the recording. A recording shorter than the paper leaves the rest blank.
    """
    columns, left_mm = len(layout.columns), layout.left_mm(scale)
    room_s = max(width_mm - left_mm, 0.0) / scale.speed
    shown_s = min(room_s, recording_s)
    start_s = min(max(start_s, 0.0), max(recording_s - shown_s, 0.0))
    pitch, baselines = _rows(layout.rows, scale, height_mm)
    column_s = shown_s / columns
    strips = [
        Strip(lead, row, left_mm + c * column_s * scale.speed, baselines[row], start_s + c * column_s, column_s)
        for c, leads in enumerate(layout.columns)
        for row, lead in enumerate(leads)
    ]
    first_rhythm = len(layout.columns[0])
    strips += [
        Strip(lead, first_rhythm + i, left_mm, baselines[first_rhythm + i], start_s, shown_s)
        for i, lead in enumerate(layout.rhythm)
    ]
    return Sheet(
        tuple(strips),
        baselines,
        pitch,
        scale,
        left_mm,
        layout.names_left,
        width_mm,
        height_mm,
        start_s,
        shown_s,
    )


def _rows(rows: int, scale: Scale, height_mm: float) -> tuple[float, tuple[float, ...]]:
    """Distance of the rows and their baselines, on whole millimetres; the first pulse fits below the upper edge."""
    above = scale.pulse_mm[1] + HEADROOM_MM
    pitch = height_mm / rows
    if pitch / 2 < above:
        pitch = (height_mm - above) / (rows - 0.5)
    pitch = max(SMALLEST_PITCH_MM, float(int(pitch)))
    first = max(pitch / 2 + max(height_mm - pitch * rows, 0.0) / 2, above)
    return pitch, tuple(float(ceil(first + pitch * row)) for row in range(rows))


def fit_px_per_mm(width_px: float, layout: Layout) -> float:
    """Pixels per millimetre at which ten seconds at 25 mm/s fill the width.

    Rounded down to a tenth, so that a bold square of 5 mm is a whole or a half number of pixels and looks even.
    """
    return min(max(int(width_px / (layout.left_mm(Scale()) + FIT_TIME_MM) * 10) / 10, 1.0), 12.0)


def caption(scale: Scale, columns: int, calibrated: bool, px_per_mm: float, true_px_per_mm: float) -> str:
    """What must stand under every trace: scale, filters, order in time, and whether millimetres are real ones.

    Args:
        scale: nominal speed and gain, true on the printed grid.
        columns: columns of the layout.
        calibrated: whether the user has measured this screen.
        px_per_mm: pixels that one millimetre of the grid takes now.
        true_px_per_mm: pixels of one millimetre on this screen, as measured.
    """
    parts = [f"{scale.speed:g} mm/s", f"{scale.gain:g} mm/mV", "display filter: none"]
    if columns > 1:
        parts.append("columns in sequence")
    if not calibrated:
        parts.append("screen not calibrated")
    else:
        share = px_per_mm / true_px_per_mm
        size = (
            "true size"
            if abs(share - 1) < 0.005
            else f"drawn at {share:.0%}: effective {scale.speed * share:.3g} mm/s, {scale.gain * share:.3g} mm/mV"
        )
        parts.append(size)
    return "  ·  ".join(parts)
