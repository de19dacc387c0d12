"""Where simulated cells are: crowded placement, persistent random walks, cells that push each other and keep off the border."""

import numpy as np

WALL = 18.0  # pixels from the border at which cells are pushed back


def place_cells(rng: np.random.Generator, shape: tuple[int, int], n: int, diameter: float) -> np.ndarray:
    """Positions (n, 2) as y, x of ``n`` cells in loose colonies, pushed apart until neighbours barely touch."""
    if n == 0:
        return np.zeros((0, 2))
    size = np.asarray(shape, float)
    colonies = rng.uniform(0.08, 0.92, (max(1, n // 4), 2)) * size
    points = colonies[rng.integers(len(colonies), size=n)] + rng.normal(0, 1.2 * diameter, (n, 2))
    points = np.clip(points, WALL, size - WALL)
    radius = np.full(n, diameter / 2)
    for _ in range(60):
        points = np.clip(points + 0.5 * push(points, radius), WALL / 2, size - WALL / 2)
    return points


def push(points: np.ndarray, radius: np.ndarray, stiffness: float = 0.5) -> np.ndarray:
    """Displacements (n, 2) that drive overlapping cells apart; cells may overlap by a tenth of their radii."""
    difference = points[:, None] - points[None]
    distance = np.hypot(difference[..., 0], difference[..., 1])
    np.fill_diagonal(distance, np.inf)
    overlap = np.clip(0.9 * (radius[:, None] + radius[None]) - distance, 0, None)
    return stiffness * ((overlap / np.maximum(distance, 1e-3))[..., None] * difference).sum(1)


def wall_push(points: np.ndarray, size: np.ndarray, window: np.ndarray) -> np.ndarray:
    """Displacements (n, 2) that keep cells at least about ``WALL`` pixels inside the window whose corner is ``window``."""
    inside = points - window
    return 0.3 * (np.clip(WALL - inside, 0, None) - np.clip(inside - (size - WALL), 0, None))


def stage_drift(rng: np.random.Generator, n_frames: int, step: float) -> np.ndarray:
    """Corner (n_frames, 2) of the field of view in the dish, pixels: a random walk with a slow trend."""
    trend = rng.normal(0, step / 3, 2)
    steps = rng.normal(0, step, (n_frames, 2)) + trend
    return np.cumsum(steps, axis=0) - steps[0]


def walk(noise: np.ndarray, speed: float, persistence: float) -> np.ndarray:
    """Free velocities (n, n_frames, 2) of persistent random walks from standard normal ``noise`` of the same shape."""
    velocity = np.empty_like(noise)
    velocity[:, 0] = noise[:, 0]
    kick = np.sqrt(1 - persistence**2)
    for t in range(1, noise.shape[1]):
        velocity[:, t] = persistence * velocity[:, t - 1] + kick * noise[:, t]
    return velocity * speed / np.sqrt(np.pi / 2)


def slow_noise(rng: np.random.Generator, shape: tuple[int, ...], time_constant: float) -> np.ndarray:
    """Stationary Ornstein-Uhlenbeck noise of unit variance along the last axis; ``time_constant`` in frames."""
    noise = rng.standard_normal(shape)
    keep = np.exp(-1 / time_constant)
    for t in range(1, shape[-1]):
        noise[..., t] = keep * noise[..., t - 1] + np.sqrt(1 - keep**2) * noise[..., t]
    return noise
