"""What bytes are counts for more than what they are declared to be."""

from __future__ import annotations

import codecs

import pytest

from crawlers.extraction import decode

SIMPLIFIED = "<html><body><p>连日来，石禾镇东河桥维修进展顺利，预计下月恢复通车。</p></body></html>"
TRADITIONAL = (
    "<html><body><p>連日來，石禾鎮東河橋維修進展順利，預計下月恢復通車，這對居民來說是個好消息。</p></body></html>"
)
GB_META = b'<meta http-equiv="Content-Type" content="text/html; charset=gb2312">'
UTF8_META = b'<meta charset="utf-8">'


@pytest.mark.parametrize(
    ("body", "content_type", "encoding", "text"),
    [
        (SIMPLIFIED.encode(), "", "utf-8", SIMPLIFIED),
        (SIMPLIFIED.encode(), "text/html; charset=gbk", "utf-8", SIMPLIFIED),
        (SIMPLIFIED.encode("gb18030"), "", "gb18030", SIMPLIFIED),
        (SIMPLIFIED.encode("gb18030"), "text/html; charset=utf-8", "gb18030", SIMPLIFIED),
        (SIMPLIFIED.encode("gb18030"), "text/html; charset=ISO-8859-1", "gb18030", SIMPLIFIED),
        (TRADITIONAL.encode("big5"), "", "big5", TRADITIONAL),
        (TRADITIONAL.encode("big5"), "text/html; charset=big5", "big5", TRADITIONAL),
        (TRADITIONAL.encode("gb18030"), "text/html; charset=gbk", "gb18030", TRADITIONAL),
        (codecs.BOM_UTF8 + SIMPLIFIED.encode(), "text/html; charset=gbk", "utf-8", SIMPLIFIED),
        (codecs.BOM_UTF16_LE + SIMPLIFIED.encode("utf-16-le"), "", "utf-16-le", SIMPLIFIED),
        (codecs.BOM_UTF16_BE + SIMPLIFIED.encode("utf-16-be"), "", "utf-16-be", SIMPLIFIED),
        (("<p>plain</p>" * 40).encode("utf-16-le"), "", "utf-16-le", "<p>plain</p>" * 40),
        ("<p>caf\u00e9 \u2019s</p>".encode("cp1252"), "", "windows-1252", "<p>caf\u00e9 \u2019s</p>"),
        (
            "<p>日本のニュース</p>".encode("shift_jis"),
            "text/html; charset=shift_jis",
            "shift_jis",
            "<p>日本のニュース</p>",
        ),
        ("<p>测试</p>".encode("gb2312"), "", "gb18030", "<p>测试</p>"),
        (b"plain", "", "utf-8", "plain"),
    ],
    ids=[
        "utf-8",
        "utf-8 declared gbk",
        "gbk undeclared",
        "gbk declared utf-8",
        "gbk declared latin",
        "big5 undeclared",
        "big5 declared",
        "traditional in gbk",
        "utf-8 mark",
        "utf-16 little-endian mark",
        "utf-16 big-endian mark",
        "utf-16 without mark",
        "windows-1252 undeclared",
        "shift_jis declared",
        "two characters of gb2312",
        "ascii",
    ],
)
def test_a_page_is_decoded_as_what_it_is(body: bytes, content_type: str, encoding: str, text: str) -> None:
    found = decode(body, content_type)

    assert (found.encoding, found.text) == (encoding, text)


def test_a_declaration_in_the_page_is_believed_only_when_it_fits() -> None:
    assert decode(GB_META + SIMPLIFIED.encode(), "").encoding == "utf-8"
    assert decode(UTF8_META + SIMPLIFIED.encode("gbk"), "").encoding == "gb18030"


def test_a_page_cut_within_a_character_keeps_its_encoding() -> None:
    found = decode((SIMPLIFIED * 20).encode()[:-40], "")

    assert found.encoding == "utf-8"


def test_one_damaged_byte_does_not_change_the_encoding() -> None:
    body = SIMPLIFIED.encode("gb18030").replace(b"<p>", b"<p>\xff")

    assert "东河桥维修" in decode(body, "").text


@pytest.mark.parametrize("charset", ["utf-7", "hex", "zlib", "idna", "no-such", "utf-16", "punycode", "rot13", "\x00"])
def test_a_charset_that_is_none_is_passed_over(charset: str) -> None:
    assert decode(SIMPLIFIED.encode("gb18030"), f"text/html; charset={charset}").encoding == "gb18030"
