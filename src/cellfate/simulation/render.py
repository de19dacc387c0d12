"""Pixels of simulated recordings: cells as soft, textured bodies with nuclei, then the optics and the camera.

All cells of a frame are drawn together as one stack of patches. Within a patch a cell has its own coordinates (u, v): turned
by its angle, stretched by its axis ratio, and in units of its radius, so that its outline is ``rho = 1``.
"""

from dataclasses import dataclass, fields

import numpy as np
from scipy.ndimage import gaussian_filter

from cellfate.simulation.motion import place_cells
from cellfate.simulation.settings import CHANNELS, Camera, SimulationSettings

HARMONICS = (2, 3, 4, 5)
BLEBS = 6
TEXTURES, TEXTURE_SIZE, TEXTURE_REACH = 24, 72, 1.5  # textures span u, v in -reach ... reach
HALO = 0.10  # out-of-focus light beside a cell, as a fraction of its body
BODY_LEVEL = 230.0  # counts of the body of an average cell, in every channel
NUCLEAR_LEVEL = 900.0  # counts of the nucleus above the body at reporter level 1


@dataclass
class Cells:
    """What is drawn of ``n`` cells in one frame; positions in pixels of the image, levels in camera counts."""

    cell_id: np.ndarray  # (n,) label in the mask
    y: np.ndarray  # (n,)
    x: np.ndarray  # (n,)
    radius: np.ndarray  # (n,) of a circle of the body's area
    ratio: np.ndarray  # (n,) long by short axis
    angle: np.ndarray  # (n,) of the long axis, radians
    wobble: np.ndarray  # (n, len(HARMONICS), 2) cosine and sine amplitudes of the outline
    nucleus: np.ndarray  # (n,) radius of the nucleus in radii
    nucleus_at: np.ndarray  # (n, 2) its centre u, v
    spread: np.ndarray  # (n,) 0: the nuclear signal is in the nucleus, 1: all over the cell (mitosis)
    body: np.ndarray  # (n, C) level of the whole body
    nuclear: np.ndarray  # (n, C) level of the nucleus, above the body
    softness: np.ndarray  # (n,) width of the edge in radii
    texture: np.ndarray  # (n, 2) index of two textures
    turn: np.ndarray  # (n,) mixture of the two, radians
    blebs: np.ndarray  # (n, BLEBS, 3) angle, distance and radius, in radians and radii
    blebbing: np.ndarray  # (n,) 0: none, 1: blebs of full size
    debris: np.ndarray  # (n,) 0: a cell, above 0: fragments that lie apart; never in the mask
    fade: np.ndarray  # (n,) factor of all light; below 1 the cell is no longer in the mask

    def __len__(self) -> int:
        return len(self.cell_id)

    def select(self, which: np.ndarray) -> "Cells":
        """The chosen cells."""
        return Cells(**{f.name: getattr(self, f.name)[which] for f in fields(self)})


def texture_bank(rng: np.random.Generator) -> np.ndarray:
    """Random textures (TEXTURES, size, size, 2): cytoplasm (granules, vesicles) and nucleus (chromatin, nucleoli), zero on average."""
    shape = (TEXTURES, TEXTURE_SIZE, TEXTURE_SIZE)

    def smooth(sigma: float) -> np.ndarray:
        noise = gaussian_filter(rng.standard_normal(shape), (0, sigma, sigma), mode="wrap")
        return noise / noise.std()

    body = 0.10 * smooth(1.2) + 0.12 * smooth(3.0) + 0.10 * smooth(8.0)
    holes = np.clip(smooth(1.6) - 1.3, 0, 1.5)  # vesicles
    nucleoli = np.clip(smooth(2.2) - 0.9, 0, 1.0)
    nucleus = 0.09 * smooth(1.0) + 0.10 * smooth(2.5) - 0.45 * (nucleoli - nucleoli.mean())
    return np.stack([body - 0.25 * (holes - holes.mean()), nucleus], axis=-1).astype(np.float32)


def render_cells(cells: Cells, shape: tuple[int, int], bank: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Draw one frame: light (H, W, C) float32 in counts and the label image (H, W) uint16 of the bodies.

    Where bodies touch, every pixel belongs to the cell in which it lies deeper, and each cell's light fades beyond that line.
    """
    n_channels = cells.body.shape[1]
    half = _reach(cells)
    height, width = shape[0] + 4 * half, shape[1] + 4 * half
    light = np.zeros((n_channels, height, width), np.float32)  # channels first: numpy is slow along a last axis of three
    labels = np.zeros((height, width), np.uint16)
    near = (cells.y > -half) & (cells.y < shape[0] + half) & (cells.x > -half) & (cells.x < shape[1] + half)
    cells = cells.select(near)
    if len(cells):
        top, left = np.floor(cells.y).astype(int), np.floor(cells.x).astype(int)
        places = [(slice(a + half, a + 3 * half), slice(b + half, b + 3 * half)) for a, b in zip(top, left, strict=True)]
        u, v = _own_coordinates(cells, cells.y - top, cells.x - left, half)
        rho = _depth(cells, u, v)
        weight = _partition(cells, rho, places, labels)
        patches = _light(cells, u, v, rho, bank)
        patches *= weight
        for i, (rows, columns) in enumerate(places):
            light[:, rows, columns] += patches[:, i]
    inner = (slice(2 * half, 2 * half + shape[0]), slice(2 * half, 2 * half + shape[1]))
    return np.ascontiguousarray(np.moveaxis(light[:, *inner], 0, -1)), labels[inner]


def _reach(cells: Cells) -> int:
    if not len(cells):
        return 1
    return int(np.ceil((cells.radius * np.sqrt(cells.ratio) * (1.15 + 0.7 * (cells.debris > 0))).max() * 1.35)) + 3


def _own_coordinates(cells: Cells, y: np.ndarray, x: np.ndarray, half: int) -> tuple[np.ndarray, np.ndarray]:
    grid = np.arange(-half, half, dtype=np.float32)
    dy = grid[None, :, None] - y[:, None, None].astype(np.float32)
    dx = grid[None, None, :] - x[:, None, None].astype(np.float32)
    long, short = cells.radius * np.sqrt(cells.ratio), cells.radius / np.sqrt(cells.ratio)
    cos, sin = np.cos(cells.angle), np.sin(cells.angle)

    def turned(of_x: np.ndarray, of_y: np.ndarray) -> np.ndarray:
        return dx * of_x[:, None, None].astype(np.float32) + dy * of_y[:, None, None].astype(np.float32)

    return turned(cos / long, sin / long), turned(-sin / short, cos / short)


def _depth(cells: Cells, u: np.ndarray, v: np.ndarray) -> np.ndarray:
    radius = np.sqrt(u * u + v * v) + np.float32(1e-6)
    cos, sin = u / radius, v / radius
    outline = np.ones_like(u)
    c, s = cos, sin
    amplitudes = cells.wobble.astype(np.float32)[..., None, None]
    for k in range(2, max(HARMONICS) + 1):
        c, s = c * cos - s * sin, s * cos + c * sin
        if k in HARMONICS:
            i = HARMONICS.index(k)
            outline += amplitudes[:, i, 0] * c + amplitudes[:, i, 1] * s
    rho = radius / outline
    for i in np.flatnonzero(cells.blebbing > 0):
        angle, distance, size = cells.blebs[i].T
        rho[i] = np.minimum(rho[i], _blobs(u[i], v[i], angle, 0.85 * distance, size * cells.blebbing[i]))
    for i in np.flatnonzero(cells.debris > 0):
        angle, distance, size = cells.blebs[i].T
        rho[i] = _blobs(u[i], v[i], angle, distance * (0.5 + 0.5 * cells.debris[i]), 1.2 * size)
    return rho


def _blobs(u: np.ndarray, v: np.ndarray, angle: np.ndarray, distance: np.ndarray, size: np.ndarray) -> np.ndarray:
    """Depth in the union of discs; the edge of a small disc is as soft as that of the body."""
    du = u - (distance * np.cos(angle))[:, None, None]
    dv = v - (distance * np.sin(angle))[:, None, None]
    return (1 + np.sqrt(du * du + dv * dv) - size[:, None, None]).min(0).astype(np.float32)


def _partition(cells: Cells, rho: np.ndarray, places: list, labels: np.ndarray) -> np.ndarray:
    deepest = np.full(labels.shape, 9.0, np.float32)
    second = deepest.copy()
    solid = (cells.debris == 0) & (cells.fade >= 1)
    for i in np.flatnonzero(solid):
        best, next_best = deepest[places[i]], second[places[i]]
        labels[places[i]][(rho[i] < best) & (rho[i] < 1)] = cells.cell_id[i]
        np.minimum(next_best, np.maximum(best, rho[i]), out=next_best)
        np.minimum(best, rho[i], out=best)
    weight = np.ones_like(rho)
    for i in np.flatnonzero(solid):
        best, next_best = deepest[places[i]], second[places[i]]
        other = np.where(best == rho[i], next_best, best)
        close = other < 1.5
        weight[i][close] = 1 / (1 + np.exp(-np.clip((other[close] - rho[i][close]) / 0.07, -30, 30)))
    return weight


def _light(cells: Cells, u: np.ndarray, v: np.ndarray, rho: np.ndarray, bank: np.ndarray) -> np.ndarray:
    """Light (C, n, S, S) of each cell by itself in its patch, in counts."""

    def column(values: np.ndarray) -> np.ndarray:
        return values.astype(np.float32)[:, None, None]

    body_texture, nuclear_texture = _textures(cells, u, v, bank)
    thickness = 0.5 + 0.5 * np.sqrt(np.clip(1 - rho * rho, 0, 1))
    body = _step(rho, column(cells.softness)) * thickness * (1 + body_texture)
    body += HALO * _falloff(rho)
    nu, nv = u - column(cells.nucleus_at[:, 0]), v - column(cells.nucleus_at[:, 1])
    inside = _step(np.sqrt(nu * nu + nv * nv) / column(cells.nucleus), column(0.8 * cells.softness / cells.nucleus)) * (1 + nuclear_texture)
    spread = column(cells.spread)
    dividing = np.flatnonzero(cells.spread > 0)
    if len(dividing):  # chromosomes exclude the reporters: a dark plate across the cell
        plate = np.exp(-((u[dividing] / 0.16) ** 2) - (v[dividing] / 0.5) ** 2)
        body[dividing] *= 1 - 0.35 * spread[dividing] * plate
    nucleus = (1 - spread) * inside + 0.45 * spread * body
    fade = cells.fade[:, None]
    of_body, of_nucleus = ((fade * level).astype(np.float32).T[..., None, None] for level in (cells.body, cells.nuclear))
    return body * of_body + nucleus * of_nucleus


def _step(rho: np.ndarray, width: np.ndarray) -> np.ndarray:
    return 0.5 - 0.5 * np.tanh(0.5 * (rho - 1) / width)


def _falloff(rho: np.ndarray) -> np.ndarray:
    """1 inside, to 0 at 1.25 radii of the patch, without a visible end."""
    return np.clip((1.5 - np.maximum(rho, 1)) / 0.5, 0, 1) ** 2


def _textures(cells: Cells, u: np.ndarray, v: np.ndarray, bank: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    scale = np.float32(TEXTURE_SIZE / (2 * TEXTURE_REACH))
    rows = np.clip(((u + TEXTURE_REACH) * scale).astype(np.int32), 0, TEXTURE_SIZE - 1)
    columns = np.clip(((v + TEXTURE_REACH) * scale).astype(np.int32), 0, TEXTURE_SIZE - 1)
    cos, sin = (f(cells.turn).astype(np.float32)[:, None, None, None] for f in (np.cos, np.sin))
    mixed = (cos * bank[cells.texture[:, 0]] + sin * bank[cells.texture[:, 1]]).reshape(-1, 2)
    index = rows * TEXTURE_SIZE + columns + (np.arange(len(u), dtype=np.int32) * TEXTURE_SIZE**2)[:, None, None]
    values = mixed[index]
    return values[..., 0], values[..., 1]


def illumination(rng: np.random.Generator, shape: tuple[int, int], n_channels: int, vignette: float) -> np.ndarray:
    """Relative illumination (H, W, C), at most 1: dark corners around a centre that lies a little off, differently per channel."""
    y, x = (np.linspace(-1, 1, size, dtype=np.float32) for size in shape)
    fields_ = []
    for _ in range(n_channels):
        cy, cx = rng.normal(0, 0.2, 2)
        squared = ((y[:, None] - cy) ** 2 + (x[None] - cx) ** 2) / 2
        fields_.append(1 - vignette * np.clip(squared, 0, 1.5))
    return np.stack(fields_, axis=-1).astype(np.float32)


def medium(rng: np.random.Generator, shape: tuple[int, int], n_channels: int, level: np.ndarray | float) -> np.ndarray:
    """Light (H, W, C) of medium and dish, in counts: ``level`` (a number, or one per channel) with slow variation of a tenth."""
    noise = rng.standard_normal((shape[0] // 8 + 1, shape[1] // 8 + 1, n_channels))
    slow = gaussian_filter(noise, (5, 5, 0))
    slow = np.kron(slow / slow.std(), np.ones((8, 8, 1)))[: shape[0], : shape[1]]
    return (level * (1 + 0.1 * gaussian_filter(slow, (4, 4, 0)))).astype(np.float32)


def expose(light: np.ndarray, noise: np.ndarray, camera: Camera, offset: np.ndarray | float = 0.0) -> np.ndarray:
    """Camera counts, uint16, of ``light`` (counts) with standard normal ``noise`` of the same shape.

    ``offset`` (counts, a number or one per channel) comes on top of the camera's.

    Shot noise is the normal approximation of the Poisson distribution (at the background's 100 electrons and more the two
    cannot be told apart), plus read noise and the camera's offset.
    """
    counts = light + (camera.offset + offset) + noise * np.sqrt(np.maximum(light, 0) * camera.gain + (camera.read_noise * camera.gain) ** 2)
    return np.clip(counts + 0.5, 0, 65535).astype(np.uint16)


def random_looks(rng: np.random.Generator) -> dict[str, np.ndarray]:
    """What stays the same of one cell: expression, edge, nucleus, textures and where its blebs would be."""
    blebs = np.stack(
        [
            np.arange(BLEBS) * 2 * np.pi / BLEBS + rng.uniform(-0.6, 0.6, BLEBS) + rng.uniform(0, 2 * np.pi),
            rng.uniform(0.85, 1.15, BLEBS),
            rng.uniform(0.14, 0.44, BLEBS),
        ],
        axis=1,
    )
    return {
        "expression": rng.lognormal(0, 0.35, len(CHANNELS)),
        "softness": rng.uniform(0.05, 0.12),
        "nucleus": rng.uniform(0.44, 0.54),
        "nucleus_at": rng.normal(0, 0.1, 2).clip(-0.2, 0.2),
        "texture": rng.integers(TEXTURES, size=2),
        "blebs": blebs,
    }


def simulate_field(
    rng: np.random.Generator,
    *,
    size: int,
    n_cells: int,
    diameter: float,
    channel: str,
    settings: SimulationSettings | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """One still field in one channel: image (size, size) uint16 and labels (size, size) uint16, for training a segmentation.

    The cells look like those of the recordings in all their states (interphase, rounded, stretched, shrunken, blebbing), with
    the reporter anywhere from off to high; fragments of dead cells are drawn and are not labelled. ``n_cells`` may be 0.
    """
    settings = settings or SimulationSettings()
    shape = (size, size)
    points = place_cells(rng, shape, n_cells + rng.integers(0, 3), diameter)
    cells = _random_cells(rng, points, diameter, n_cells, CHANNELS.index(channel))
    light, labels = render_cells(cells, shape, texture_bank(rng))
    camera = settings.camera
    light = (light + medium(rng, shape, 1, camera.background)) * illumination(rng, shape, 1, camera.vignette)
    light *= rng.uniform(1 - camera.bleaching, 1)
    image = expose(light, rng.standard_normal(light.shape, dtype=np.float32), camera)
    return image[..., 0], labels


def _random_cells(rng: np.random.Generator, points: np.ndarray, diameter: float, n_solid: int, channel: int) -> Cells:
    """Cells at ``points`` in random states; those after the first ``n_solid`` are fragments."""
    n = len(points)
    looks = [random_looks(rng) for _ in range(n)]
    expression = np.array([look["expression"][channel] for look in looks]).reshape(n, 1)
    state = rng.choice(5, n, p=[0.7, 0.1, 0.08, 0.06, 0.06])  # interphase, rounded, stretched, shrunken, blebbing
    debris = np.where(np.arange(n) >= n_solid, rng.uniform(0.2, 1, n), 0)
    scale = np.select([state == 1, state >= 3], [0.82, 0.78], 1.0) * np.where(debris > 0, 0.7, 1)
    round_ = state == 1
    density = scale**-1.5
    wobble = rng.normal(0, 0.045, (n, len(HARMONICS), 2)) * np.where(round_, 0.2, 1)[:, None, None]
    return Cells(
        cell_id=np.arange(1, n + 1),
        y=points[:, 0],
        x=points[:, 1],
        radius=diameter / 2 * scale * rng.normal(1.05, 0.1, n).clip(0.75, 1.35),
        ratio=np.where(round_, 1.03, rng.uniform(1.05, 1.6, n)) * np.where(state == 2, rng.uniform(1.2, 1.7, n), 1),
        angle=rng.uniform(0, np.pi, n),
        wobble=wobble,
        nucleus=np.array([look["nucleus"] for look in looks]),
        nucleus_at=np.array([look["nucleus_at"] for look in looks]).reshape(n, 2),
        spread=np.where(round_, rng.uniform(0.5, 1, n), 0.0),
        body=BODY_LEVEL * expression * density[:, None],
        nuclear=NUCLEAR_LEVEL * expression * rng.uniform(0.05, 1.6, (n, 1)) * density[:, None],
        softness=np.array([look["softness"] for look in looks]),
        texture=np.array([look["texture"] for look in looks], dtype=int).reshape(n, 2),
        turn=rng.uniform(0, 2 * np.pi, n),
        blebs=np.array([look["blebs"] for look in looks]).reshape(n, BLEBS, 3),
        blebbing=np.where(state == 4, rng.uniform(0.4, 1, n), 0.0),
        debris=debris,
        fade=np.where(debris > 0, rng.uniform(0.2, 0.9, n), 1.0),
    )
