"""The same small recording in every format: each writer returns the sheet's ``images`` cell."""

import json
from collections.abc import Callable
from pathlib import Path

import imagecodecs
import numpy as np
import tifffile
import zarr

NAMES = ["circadian", "p53", "cell_cycle"]


def recording(n_frames: int = 6, n_channels: int = 3, shape: tuple[int, int] = (40, 50), dtype: str = "uint16") -> np.ndarray:
    """Random images (T, C, H, W)."""
    return np.random.default_rng(3).integers(1, 250, (n_frames, n_channels, *shape)).astype(dtype)


def colour_tiffs(folder: Path, images: np.ndarray, compression: str | None = None) -> str:
    folder.mkdir(parents=True)
    for t, image in enumerate(images):
        tifffile.imwrite(folder / f"t{t:03d}.tif", np.moveaxis(image, 0, -1), photometric="rgb", compression=compression)
    return str(folder)


def colour_pngs(folder: Path, images: np.ndarray) -> str:
    folder.mkdir(parents=True)
    for t, image in enumerate(images):
        (folder / f"t{t:03d}.png").write_bytes(imagecodecs.png_encode(np.ascontiguousarray(np.moveaxis(image, 0, -1))))
    return str(folder)


def channel_files(folder: Path, images: np.ndarray) -> str:
    folder.mkdir(parents=True)
    for t, image in enumerate(images):
        for name, plane in zip(NAMES, image, strict=False):
            tifffile.imwrite(folder / f"A1_{name}_t{t}.tif", plane, photometric="minisblack")
    return str(folder / "A1_{channel}_t{time}.tif")


def channel_pngs(folder: Path, images: np.ndarray) -> str:
    for t, image in enumerate(images):
        for name, plane in zip(NAMES, image, strict=False):
            (folder / f"{t:02d}").mkdir(parents=True, exist_ok=True)
            (folder / f"{t:02d}/{name}.png").write_bytes(imagecodecs.png_encode(plane))
    return str(folder / "{time}/{channel}.png")


def channel_folders(folder: Path, images: np.ndarray) -> str:
    for t, image in enumerate(images):
        for name, plane in zip(NAMES, image, strict=False):
            (folder / name).mkdir(parents=True, exist_ok=True)
            tifffile.imwrite(folder / name / f"img_{t:04d}.tif", plane, photometric="minisblack", compression="lzw")
    return str(folder)


def channel_stacks(folder: Path, images: np.ndarray) -> str:
    folder.mkdir(parents=True)
    for name, stack in zip(NAMES, np.moveaxis(images, 1, 0), strict=False):
        tifffile.imwrite(folder / f"{name}.tif", stack, photometric="minisblack", metadata=None)
    return str(folder / "{channel}.tif")


def colour_stack(folder: Path, images: np.ndarray) -> str:
    folder.mkdir(parents=True)
    tifffile.imwrite(folder / "A1.tif", np.moveaxis(images, 1, -1), photometric="rgb", metadata=None)
    return str(folder / "A1.tif")


def hyperstack(folder: Path, images: np.ndarray, **options) -> str:
    folder.mkdir(parents=True)
    tifffile.imwrite(folder / "A1.tif", images, imagej=True, metadata={"axes": "TCYX"}, **options)
    return str(folder / "A1.tif")


def truncated_hyperstack(folder: Path, images: np.ndarray, **options) -> str:
    """As ImageJ writes files above 4 GB: one page for all."""
    return hyperstack(folder, images, truncate=True, **options)


def ome_tiff(folder: Path, images: np.ndarray, axes: str = "TCYX", names: list[str] | None = None, **options) -> str:
    folder.mkdir(parents=True)
    order = ["TCYX".index(axis) for axis in axes if axis in "TCYX"]
    pixels = np.transpose(images, order)[tuple(np.newaxis if axis not in "TCYX" else slice(None) for axis in axes)]
    metadata = {"axes": axes, "Channel": {"Name": names or NAMES[: images.shape[1]]}}
    tifffile.imwrite(folder / "A1.ome.tif", pixels, photometric="minisblack", metadata=metadata, **options)
    return str(folder / "A1.ome.tif")


def ome_tiff_by_channel(folder: Path, images: np.ndarray) -> str:
    """All time points of a channel, then those of the next, with an axis of one plane, compressed."""
    return ome_tiff(folder, images, "CZTYX", compression="zlib")


def ome_zarr(folder: Path, images: np.ndarray, version: str = "0.5", axes: str = "tczyx", chunks: tuple[int, ...] | None = None) -> str:
    path = folder / "A1.zarr"
    order = ["tcyx".index(axis) for axis in axes if axis in "tcyx"]
    pixels = np.transpose(images, order)[tuple(np.newaxis if axis not in "tcyx" else slice(None) for axis in axes)]
    kinds = {"t": "time", "c": "channel"}
    image = {
        "axes": [{"name": axis, "type": kinds.get(axis, "space")} for axis in axes],
        "datasets": [{"path": "0", "coordinateTransformations": [{"type": "scale", "scale": [1.0] * len(axes)}]}],
    }
    names = {"channels": [{"label": name} for name in NAMES[: images.shape[1]]]}
    group = zarr.create_group(path, zarr_format=2 if version == "0.4" else 3)
    chunks = chunks or tuple(1 if axis in "tcz" else 32 for axis in axes)
    group.create_array("0", data=pixels, chunks=chunks)
    if version == "0.4":
        group.attrs.update({"multiscales": [{**image, "version": "0.4"}], "omero": names})
    else:
        group.attrs["ome"] = {"version": version, "multiscales": [image], "omero": names}
    return str(path)


def ome_zarr_04(folder: Path, images: np.ndarray) -> str:
    return ome_zarr(folder, images, "0.4", "tcyx")


def ome_zarr_channels_first(folder: Path, images: np.ndarray) -> str:
    """Chunks that hold several time points and channels."""
    return ome_zarr(folder, images, "0.5", "ctyx", (2, 4, 16, 50))


WRITERS: dict[str, Callable[[Path, np.ndarray], str]] = {
    writer.__name__: writer
    for writer in (
        colour_tiffs,
        colour_pngs,
        channel_files,
        channel_pngs,
        channel_folders,
        channel_stacks,
        colour_stack,
        hyperstack,
        truncated_hyperstack,
        ome_tiff,
        ome_tiff_by_channel,
        ome_zarr,
        ome_zarr_04,
        ome_zarr_channels_first,
    )
}


def attributes(path: Path) -> tuple[Path, dict]:
    """The file with the attributes of an OME-Zarr group, and its content."""
    file = path / "zarr.json" if (path / "zarr.json").exists() else path / ".zattrs"
    return file, json.loads(file.read_text())
