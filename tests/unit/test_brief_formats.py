"""Three formats of one document: same words, official form, hostile text harmless, nothing overflows or stands alone."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Mapping
from datetime import date
from functools import cache

import docx
import pymupdf
import pytest
from docx.oxml.ns import qn
from lxml import etree, html

from briefings import document as documents
from briefings.document import (
    Chart,
    Column,
    Document,
    Head,
    Heading,
    Number,
    Paragraph,
    Series,
    Table,
    finished,
    text_lines,
)
from briefings.figures import Figure, Ground, Kind
from briefings.render import charts, fonts, measures, pdf, render
from tests.fixtures.brief_week import HOSTILE

LONG = "关于采川县石澜镇中心小学多名学生晚餐后腹痛呕吐有关情况的快报"


def a_head(**changes: object) -> Head:
    """The head of a county's weekly."""
    values: dict[str, object] = {
        "name": "采川舆情周报",
        "issue": "第46期",
        "secrecy": "内部资料",
        "serial": "编号 0046",
        "issuer": "中共采川县委网信办　采川县人民政府办公室",
        "date": date(2026, 11, 16),
        "signer": "裴长风",
        "report_to": ("县委、县政府领导",),
        "send_to": ("县直有关单位", "各乡镇（街道）"),
        "copies": 30,
    }
    return Head(**values | changes)  # type: ignore[arg-type]  # a builder


def a_document(rows: int = 30, paragraphs: int = 6, text: str = "", **changes: object) -> Document:
    """Headings, paragraphs with numbers, a chart, a table that runs over a page."""
    figures = {f"n{at}": a_figure(f"n{at}", at * 1111) for at in range(4)}
    blocks = (
        Heading(text="一、总体情况"),
        *(
            Paragraph(key=f"p{at}", runs=(f"第{at}段，共监测到帖文", Number("n1"), f"条，网民反映较多。{text}"))
            for at in range(paragraphs)
        ),
        Chart(
            key="daily",
            caption="每日帖文数（条）",
            description="按日帖文数柱状图",
            labels=("11.9", "11.10"),
            series=(Series(name="负面", figures=("n1", "n2")), Series(name="中性", figures=("n2", "n3"))),
        ),
        Heading(text="（一）甲事件", level=2),
        Table(
            key="cases",
            caption="办理情况",
            columns=(Column(title="编号", weight=1), Column(title="事项", weight=3), Column(title="件", right=True)),
            rows=tuple(((f"2026-{at:04d}",), (text or f"第{at}件事项",), (Number("n3"),)) for at in range(rows)),
        ),
    )
    values: dict[str, object] = {"kind": "weekly", "head": a_head(), "title": "", "blocks": blocks, "figures": figures}
    return finished(Document(**values | changes))  # type: ignore[arg-type]  # a builder


def a_figure(key: str, value: int) -> Figure:
    """A count of posts."""
    return Figure(
        key=key, label="帖文数", value=value, text=f"{value:,}", ground=Ground(kind=Kind.POSTS, query="kind:forum")
    )


@cache
def plain() -> Mapping[str, bytes]:
    """The formats of a plain document, written once."""
    return render(a_document())


@cache
def hostile() -> Mapping[str, bytes]:
    """The formats of a document full of hostile text."""
    return render(a_document(rows=4, paragraphs=2, text="｜".join(HOSTILE)))


def squeezed(text: str) -> str:
    """Text without white space and places to break."""
    return re.sub(r"[\s\u200b\u200d\ufe0f\xad]", "", text)


def word_text(data: bytes) -> str:
    """All words of a .docx, cells in their places."""
    root = docx.Document(io.BytesIO(data)).element.body
    return squeezed("".join(node.text or "" for node in root.iter(qn("w:t"))))


def pdf_text(data: bytes) -> str:
    """All words of a PDF without page numbers."""
    with pymupdf.open(stream=data, filetype="pdf") as pages:
        return re.sub(r"—\d+—", "", squeezed("".join(page.get_text() for page in pages)))


def web_text(data: bytes) -> str:
    """All words of the sheet in a page."""
    sheet = html.fromstring(data.decode()).find_class("sheet")[0]
    for details in list(sheet.iter("details")):
        details.drop_tree()
    return squeezed(sheet.text_content())


@pytest.mark.parametrize("make", [plain, hostile])
def test_formats_hold_the_same_content(make: object) -> None:
    files: Mapping[str, bytes] = make()  # type: ignore[operator]  # one of the two above
    document = a_document() if make is plain else a_document(rows=4, paragraphs=2, text="｜".join(HOSTILE))
    lines = [squeezed(line) for line in text_lines(document)]

    missing = {
        name: [line for line in lines if line not in text]
        for name, text in (("docx", word_text(files["docx"])), ("html", web_text(files["html"])))
    }
    drawn, page = [squeezed(fonts.drawable(line)) for line in lines], pdf_text(files["pdf"])

    assert missing == {"docx": [], "html": []}
    # A page break may cut a paragraph; its pieces stand there.
    assert [line for line in drawn if line not in page and line[:12] not in page] == []


def test_same_document_gives_same_bytes() -> None:
    assert render(a_document()) == plain()


def test_pdf_is_archival_and_embeds_every_font() -> None:
    with pymupdf.open(stream=plain()["pdf"], filetype="pdf") as pages:
        names = {font[3] for page in pages for font in page.get_fonts()}
        embedded = all(font[1] != "n/a" for page in pages for font in page.get_fonts())

        assert (
            "pdfaid:part>2"
            in pages.xref_stream(int(pages.xref_get_key(pages.pdf_catalog(), "Metadata")[1].split()[0])).decode()
        )
    assert embedded
    assert {name.split("+")[-1].split("-")[0] for name in names} <= {"NotoSansSC", "NotoSerifSC"}


def test_pdf_keeps_within_the_type_area() -> None:
    edge = (210 - measures.RIGHT) * measures.POINTS_PER_MM + 2
    with pymupdf.open(stream=hostile()["pdf"], filetype="pdf") as pages:
        words = [(word[2], word[4]) for page in pages for word in page.get_text("words")]

    # The empty half of a closing bracket may hang over the end of a line.
    assert [text for right, text in words if right > edge + 8 * (text[-1] in "〕）”》，。；")] == []


@pytest.mark.parametrize("rows", [18, 22, 26, 30])
def test_foot_never_stands_on_a_page_by_itself(rows: int) -> None:
    data = pdf.write(a_document(rows=rows), {"daily": png()})

    with pymupdf.open(stream=data, filetype="pdf") as pages:
        last = squeezed(pages[-1].get_text())
    assert f"2026-{rows - 1:04d}" in last.split("签发")[0]


@cache
def png() -> bytes:
    """A small picture."""
    return bytes(pymupdf.Pixmap(pymupdf.csRGB, pymupdf.IRect(0, 0, 100, 40)).tobytes("png"))


@pytest.mark.parametrize(("highest", "step"), [(0, 1), (4, 1), (6, 2), (26, 10), (373, 100), (12_345, 5000)])
def test_the_scale_of_a_chart_has_round_steps(highest: int, step: int) -> None:
    assert charts.tick_step(highest) == step


def test_a_chart_shows_each_series_in_a_look_of_its_own() -> None:
    document = a_document()
    picture = pymupdf.Pixmap(charts.draw_all(document)["daily"])

    colours = {picture.pixel(x, y)[:3] for x in range(0, picture.width, 3) for y in range(0, picture.height, 3)}
    assert (picture.width, picture.height) == (1220, 500)
    assert {(0x7A, 0x40, 0x38), (0xC3, 0xCA, 0xD0), (255, 255, 255)} <= colours


def test_rare_characters_of_names_are_in_the_text_of_the_pdf() -> None:
    document = a_document(rows=1, paragraphs=1, text="喆堃镕祎")

    assert "喆堃镕祎" in pdf_text(pdf.write(document, {"daily": png()}))


def test_word_styles_name_four_fonts_and_no_theme() -> None:
    styles = docx.Document(io.BytesIO(plain()["docx"])).styles

    for name, font in (("Body Text", "仿宋_GB2312"), ("Heading 1", "黑体"), ("Heading 2", "楷体_GB2312")):
        named = styles[name].element.rPr.find(qn("w:rFonts")).attrib
        assert {key.split("}")[1]: value for key, value in named.items()} == {
            "ascii": font, "hAnsi": font, "eastAsia": font, "cs": font, "hint": "eastAsia"
        }  # fmt: skip


def test_word_page_has_the_measures_of_the_norm() -> None:
    word = docx.Document(io.BytesIO(plain()["docx"]))
    section, body = word.sections[0], word.styles["Body Text"]
    edges = (section.top_margin, section.bottom_margin, section.left_margin, section.right_margin)

    assert [round(edge.mm) for edge in edges] == [37, 35, 28, 26]
    assert (body.font.size.pt, body.paragraph_format.line_spacing.pt) == (16, 28.95)
    assert body.element.pPr.find(qn("w:ind")).get(qn("w:firstLineChars")) == "200"


def test_word_tables_repeat_their_head_and_never_split_a_row() -> None:
    table = docx.Document(io.BytesIO(plain()["docx"])).tables[0]._tbl
    rows = table.findall(qn("w:tr"))
    widths = [int(column.get(qn("w:w"))) for column in table.tblGrid.findall(qn("w:gridCol"))]

    assert rows[0].find(f"{qn('w:trPr')}/{qn('w:tblHeader')}") is not None
    assert all(row.find(f"{qn('w:trPr')}/{qn('w:cantSplit')}") is not None for row in rows)
    assert sum(widths) == pytest.approx(measures.WIDTH_POINTS * 20, abs=3)


def test_word_numbers_pages_outside_on_odd_and_even() -> None:
    word = docx.Document(io.BytesIO(plain()["docx"]))
    odd, even = word.sections[0].footer.paragraphs[0], word.sections[0].even_page_footer.paragraphs[0]

    assert word.settings.odd_and_even_pages_header_footer
    assert [place.alignment.name for place in (odd, even)] == ["RIGHT", "LEFT"]
    assert "PAGE" in "".join(node.text for node in odd._p.iter(qn("w:instrText")))


def test_word_pictures_say_what_they_show() -> None:
    body = docx.Document(io.BytesIO(plain()["docx"])).element.body

    assert [node.get("descr") for node in body.iter(qn("wp:docPr"))] == ["按日帖文数柱状图"]


def test_word_holds_no_field_link_or_script_from_outside() -> None:
    with zipfile.ZipFile(io.BytesIO(hostile()["docx"])) as archive:
        parts = {name: archive.read(name) for name in archive.namelist() if name.endswith((".xml", ".rels"))}
    body = etree.fromstring(parts["word/document.xml"])

    assert not [*body.iter(qn("w:hyperlink")), *body.iter(qn("w:instrText"))]
    assert b'TargetMode="External"' not in b"".join(parts.values())


def test_page_runs_nothing_and_fetches_nothing() -> None:
    page = html.fromstring(hostile()["html"].decode())

    assert not page.xpath("//script | //link | //iframe | //@onclick | //article//b")
    assert all(source.startswith("data:") for source in page.xpath("//@src"))


def test_page_leads_from_each_number_to_its_ground() -> None:
    page = html.fromstring(plain()["html"].decode())
    targets = {link.removeprefix("#") for link in page.xpath("//a[contains(@class, 'num')]/@href")}

    assert targets == {"n-n1", "n-n2", "n-n3"}
    assert targets <= set(page.xpath("//tr/@id"))


def test_sign_no_font_has_becomes_its_code_point() -> None:
    assert fonts.drawable("急😀") == "急〔U+1F600〕"


def test_headline_breaks_between_words_into_even_lines() -> None:
    lines = measures.title_lines(LONG)

    assert "".join(lines) == LONG
    assert len(lines) == 2
    assert min(map(len, lines)) >= 10


def test_headline_line_never_begins_with_a_comma() -> None:
    assert measures.title_lines("关于经开区一化工仓库起火，浓烟飘向居民区的快报")[1][0] != "，"


def test_json_keeps_the_document_whole() -> None:
    document = a_document()

    assert documents.from_json(documents.to_json(document)) == document
