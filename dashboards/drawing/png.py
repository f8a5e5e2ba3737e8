"""PNG files packed again as tightly as zlib can: the renderer only packs them quickly."""

import struct
import zlib

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_DATA = b"IDAT"


def packed(png: bytes) -> bytes:
    """Return the same picture in fewer bytes."""
    before: list[bytes] = []
    data: list[bytes] = []
    after: list[bytes] = []
    place = len(_SIGNATURE)
    while place < len(png):
        (length,) = struct.unpack_from(">I", png, place)
        kind, chunk = png[place + 4 : place + 8], png[place : place + 12 + length]
        if kind == _DATA:
            data.append(chunk[8:-4])
        else:
            (after if data else before).append(chunk)
        place += 12 + length
    tight = zlib.compress(zlib.decompress(b"".join(data)), 9)
    checked = struct.pack(">I", zlib.crc32(_DATA + tight))
    return b"".join([_SIGNATURE, *before, struct.pack(">I", len(tight)), _DATA, tight, checked, *after])
