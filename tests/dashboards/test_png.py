"""Pictures packed tightly."""

import struct
import zlib

import vl_convert

from dashboards.drawing.png import packed

SVG = '<svg xmlns="http://www.w3.org/2000/svg" width="300" height="200"><rect width="90" height="60" fill="red"/></svg>'


def chunks(png: bytes) -> list[tuple[bytes, bytes]]:
    """Return kind and data of each chunk; its check must hold."""
    found, place = [], 8
    while place < len(png):
        (length,) = struct.unpack_from(">I", png, place)
        kind, data = png[place + 4 : place + 8], png[place + 8 : place + 8 + length]
        assert struct.unpack_from(">I", png, place + 8 + length) == (zlib.crc32(kind + data),)
        found.append((kind, data))
        place += 12 + length
    return found


def test_the_same_picture_takes_fewer_bytes() -> None:
    """Nothing but the packing differs, and the file is one that anybody can read."""
    loose = vl_convert.svg_to_png(SVG)
    tight = packed(loose)
    assert len(tight) < len(loose)
    assert tight[:8] == loose[:8]
    before, after = chunks(loose), chunks(tight)
    assert [one for one in after if one[0] != b"IDAT"] == [one for one in before if one[0] != b"IDAT"]
    pixels = [zlib.decompress(b"".join(data for kind, data in one if kind == b"IDAT")) for one in (before, after)]
    assert pixels[0] == pixels[1]


def test_packing_twice_changes_nothing() -> None:
    """So that a picture of the same data is the same file."""
    once = packed(vl_convert.svg_to_png(SVG))
    assert packed(once) == once
