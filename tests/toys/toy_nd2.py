"""A small Nikon ND2 file, version 3. No package writes them: the layout is that of files as the package nd2 reads them.

Each chunk is a header (magic number, lengths of name and data), its name with room to the next 4096 bytes, and its data; a map of all
chunks stands at the end. The metadata are in the format's XML, the frames are pixels (Y, X, channel).
"""

import struct
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

MAGIC, ALIGNMENT = 0x0ABECEDA, 4096
SIGNATURE = b"ND2 FILE SIGNATURE CHUNK NAME01!"
FILE_MAP, MAP_END = b"ND2 FILEMAP SIGNATURE NAME 0001!", b"ND2 CHUNK MAP SIGNATURE 0000001!"
KINDS = {bool: "bool", int: "lx_uint32", float: "double", str: "CLxStringW"}
LOOPS = {"T": 1, "P": 2, "Z": 4}


def write_nd2(path: Path, images: np.ndarray, names: Sequence[str], planes: int = 1, positions: int = 1) -> Path:
    """Write ``images`` (T, C, H, W), uint8 or uint16; each is repeated for every focal plane and position."""
    n_frames, n_channels, height, width = images.shape
    bits = 8 * images.dtype.itemsize
    size = {"uiWidth": width, "uiHeight": height, "uiWidthBytes": width * n_channels * images.dtype.itemsize, "uiComp": n_channels}
    repeated = np.repeat(np.repeat(images, positions, axis=0), planes, axis=0)
    attributes = {**size, "uiBpcInMemory": bits, "uiBpcSignificant": bits, "uiSequenceCount": len(repeated), "eCompression": 2}
    of_channels = {
        f"a{i}": {"sDescription": name, "uiCompCount": 1, "uiColor": 255, "pFluorescentProbe": {"m_sName": name}}
        for i, name in enumerate(names)
    }
    metadata = {"bCalibrated": True, "dCalibration": 0.5, "sPicturePlanes": {"uiCount": n_channels, "sPlaneNew": of_channels}}
    chunks = {
        "ImageAttributesLV!": _xml({"SLxImageAttributes": attributes}),
        "ImageMetadataLV!": _xml({"SLxExperiment": _loops({"T": n_frames, "P": positions, "Z": planes})}),
        "ImageMetadataSeqLV|0!": _xml({"SLxPictureMetadata": metadata}),
    }
    for t, image in enumerate(repeated):
        chunks[f"ImageDataSeq|{t}!"] = struct.pack("<d", 1000.0 * t) + np.ascontiguousarray(np.moveaxis(image, 0, 2)).tobytes()
    with open(path, "wb") as file:
        file.write(struct.pack("<IIQ32s64s", MAGIC, 32, 64, SIGNATURE, b"Ver3.0"))
        places = {name: _write_chunk(file, name.encode(), data) for name, data in chunks.items()}
        entries = b"".join(name.encode() + struct.pack("<QQ", place, len(chunks[name])) for name, place in places.items())
        place = _write_chunk(file, FILE_MAP, entries + MAP_END + bytes(8))
        file.write(MAP_END + struct.pack("<Q", place))
    return path


def _write_chunk(file, name: bytes, data: bytes) -> int:
    """Write a chunk at the next multiple of 4096 bytes, so that pixels, after 8 bytes of time, begin 4096 later; returns where it is."""
    file.write(bytes(-file.tell() % ALIGNMENT))
    place, room = file.tell(), ALIGNMENT - struct.calcsize("<IIQd")
    file.write(struct.pack("<IIQ", MAGIC, room, len(data)) + name.ljust(room, b"\0") + data)
    return place


def _loops(lengths: Mapping[str, int]) -> dict:
    """The loops of an experiment of more than one step, each inside the one before."""
    found = {}
    for axis in reversed([axis for axis, length in lengths.items() if length > 1]):
        of_time = {"uiCount": lengths[axis], "dStart": 0.0, "dPeriod": 6e5, "dDuration": 6e5 * lengths[axis]}
        points = {"Points": {f"p{i}": {"dPosX": 100.0 * i, "dPosY": 0.0, "dPosZ": 0.0} for i in range(lengths[axis])}}
        steps = {"T": of_time, "P": points, "Z": {"uiCount": lengths[axis], "dZStep": 1.0}}
        found = {"eType": LOOPS[axis], "uLoopPars": steps[axis], **({"ppNextLevelEx": {"i0": found}} if found else {})}
    return found


def _xml(content: Mapping) -> bytes:
    return f'<?xml version="1.0" encoding="UTF-8"?><variant version="1.0">{_elements(content)}</variant>'.encode()


def _elements(content: Mapping) -> str:
    parts = []
    for name, value in content.items():
        if isinstance(value, Mapping):
            parts.append(f'<{name} runtype="CLxListVariant">{_elements(value)}</{name}>')
        else:
            parts.append(f'<{name} runtype="{KINDS[type(value)]}" value="{str(value).lower() if isinstance(value, bool) else value}"/>')
    return "".join(parts)
