"""Records in the file: small, and exact."""

from __future__ import annotations

from storage.codec import encode
from storage.sqlite.packing import pack, unpack
from tests.fixtures.storage_posts import a_post


def test_every_character_comes_back() -> None:
    text = "".join(map(chr, [*range(0xD800), *range(0xE000, 0x110000)]))

    assert unpack(pack(text)) == text


def test_a_record_takes_less_than_half_its_json() -> None:
    record = encode(a_post(text="工地三个月没发工资，大家都在等，已经向劳动监察反映过两次，没有答复。"))

    assert len(pack(record.decode())) < len(record) / 2
