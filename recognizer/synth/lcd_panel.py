"""The panel behind LCD digits and what holds it: backlight, ghosts, shadows, glow; bezel and plate."""

import cv2
import numpy as np

from recognizer.synth import ink
from recognizer.synth.ink import Canvas, Colour, Field, Mask, chance, pick
from recognizer.synth.labels import Setting, Strip, rectangle
from recognizer.synth.lcd_style import LcdStyle
from recognizer.synth.surface import cover_glass, plate_surface

PLATES: tuple[Colour, ...] = (
    (215, 215, 212), (190, 192, 190), (160, 160, 158), (120, 118, 115), (60, 60, 62), (28, 28, 30), (200, 205, 215),
    (225, 222, 218), (175, 185, 190), (140, 150, 160), (235, 235, 235), (190, 170, 150),
)  # fmt: skip


def draw_panel(rng: np.random.Generator, style: LcdStyle, mask: Mask, ghost: Mask | None, lit: bool) -> Canvas:
    """The lit panel: backlight, ghosts, the digits' own shadow on the reflector, digits, bleeding light."""
    h, w = mask.shape
    uneven = rng.uniform(0.02, 0.35)
    canvas = ink.tint(ink.field(rng, h, w, 1 - uneven, 1 + uneven * 0.6, (3, 4)), style.panel)
    if not lit:
        if ghost is not None and chance(rng, 0.5):
            ink.paint(canvas, ghost, style.lit, style.ghost * 0.5)
        return canvas
    if ghost is not None:
        ink.paint(canvas, ghost, style.lit, style.ghost * style.contrast)
    if style.shadow:
        d = max(1.0, h * rng.uniform(0.008, 0.035))
        move = np.array([[1, 0, d * rng.uniform(-1, 1)], [0, 1, d]], np.float32)
        fall = cv2.warpAffine(mask, move, (w, h))
        ink.paint(canvas, cv2.blur(fall, (3, 3)), ink.shade(style.panel, 0.35), style.shadow)
    strength: float | Field = style.contrast
    if chance(rng, 0.4):  # a panel seen from the side fades towards one edge
        strength = np.clip(ink.field(rng, h, w, 0.65, 1.1, (2, 3)), 0.4, 1.0) * style.contrast
    soft = mask if chance(rng, 0.6) else cv2.GaussianBlur(mask, (3, 3), 0)
    ink.paint(canvas, soft * strength, style.lit)
    if style.glow:
        halo = cv2.GaussianBlur(cv2.resize(mask, (max(1, w // 4), max(1, h // 4))), (0, 0), max(1.0, h / 40))
        halo = cv2.resize(halo, (w, h)).astype(np.float32) / 255
        canvas += halo[..., None] * np.array(style.lit, np.float32) * (style.glow * rng.uniform(0.1, 0.7))
        if style.glow > 0.5:  # the core of a bright LED overexposes
            ink.paint(canvas, cv2.erode(mask, np.ones((3, 3))), (255, 255, 255), float(rng.uniform(0, 0.5)))
    return canvas


def mount_panel(rng: np.random.Generator, panel: Canvas, height: int, setting: Setting) -> Strip:
    """Set the panel into its bezel and the plate around it; the strip's ``panel`` is the visible glass."""
    h, w = panel.shape[:2]
    margin = round(height * rng.uniform(0.15, 0.9))
    colour = setting.plate or ink.jitter(rng, pick(rng, PLATES))
    canvas = plate_surface(rng, h + 2 * margin, w + 2 * margin, colour, flat=setting.in_face)
    rim = max(1, round(height * rng.uniform(0.02, 0.16)))
    if chance(rng, 0.85):
        edge = pick(rng, (ink.shade(colour, 0.55), ink.shade(colour, 1.25), (40.0, 40.0, 42.0), (15.0, 15.0, 16.0)))
        a, b = margin - rim, margin + rim
        if a > 0:
            canvas[a : h + b, a : w + b] = edge
            canvas[a : a + rim, a : w + b] *= 0.8
            canvas[h + margin : h + b, a : w + b] *= 1.15
    if chance(rng, 0.7):  # the bezel stands above the glass and shades its rim
        depth = max(1, round(height * rng.uniform(0.03, 0.25)))
        ramp = np.linspace(rng.uniform(0.3, 0.85), 1.0, depth, dtype=np.float32)
        panel[:depth] *= ramp[:, None, None]
        side = panel[:, :depth] if chance(rng, 0.5) else panel[:, ::-1][:, :depth]
        side *= ramp[: side.shape[1]][None, :, None]
    canvas[margin : margin + h, margin : margin + w] = panel
    if not setting.in_face:
        cover_glass(rng, canvas, height)
    box = (margin, margin, margin + w, margin + h)
    return Strip(ink.to_image(canvas), rectangle(*box), "", "lcd", [], box)
