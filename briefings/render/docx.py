"""Word documents by GB/T 9704 with a 简报 head; styles in one place, the pitfalls of Word and WPS around them.

1. Styles carry four font names each and no theme fonts, for a theme font wins over a name.
2. Tables carry tblGrid widths, repeated header rows, rows that do not split.
3. The foot keeps with what stands before it; footers differ on odd and even pages.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from datetime import datetime, time
from typing import Any

import docx
from docx.enum.table import WD_TABLE_ALIGNMENT
from docx.enum.text import WD_ALIGN_PARAGRAPH, WD_LINE_SPACING, WD_TAB_ALIGNMENT
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Mm, Pt, RGBColor
from docx.text.paragraph import Paragraph as WordParagraph

from briefings.document import Block, Chart, Document, Heading, Paragraph, Table, date_text, foot_lines
from briefings.render import fonts, measures

CENTRE, LEFT, RIGHT, BOTH = (
    WD_ALIGN_PARAGRAPH.CENTER,
    WD_ALIGN_PARAGRAPH.LEFT,
    WD_ALIGN_PARAGRAPH.RIGHT,
    WD_ALIGN_PARAGRAPH.JUSTIFY,
)
_TWIPS = 20
#: The moment written into every part of the archive, so that the same document gives the same bytes.
_ARCHIVE_TIME = (1980, 1, 1, 0, 0, 0)


def write(document: Document, pictures: Mapping[str, bytes]) -> bytes:
    """The document as .docx."""
    page = _Page(document)
    page.head()
    for block in document.blocks:
        page.add(block, pictures)
    page.foot()
    out = io.BytesIO()
    page.word.save(out)
    return _repacked(out.getvalue())


class _Page:
    """A Word document under way."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.word = docx.Document()
        self._styles()
        self._section()
        self._properties()

    def head(self) -> None:
        """密级, 编号, name in red, 期号, issuer and date, red rule, headline."""
        head = self.document.head
        self._both(head.secrecy, head.serial, measures.BODY)
        name = self._line(head.name, "name", measures.fitting(head.name, measures.NAME_SIZE), CENTRE)
        name.paragraph_format.space_before, name.paragraph_format.space_after = Pt(18), Pt(6)
        name.paragraph_format.line_spacing_rule = WD_LINE_SPACING.SINGLE
        name.runs[0].font.color.rgb = RGBColor.from_string(measures.RED)
        self._line(head.issue, "body", measures.BODY, CENTRE)
        day = date_text(head.date)
        row = self._both(head.issuer, day, measures.fitting(f"{head.issuer}　　{day}", measures.BODY))
        _rule(row, "bottom", measures.RED, 12)
        if lines := measures.title_lines(self.document.title):
            title = self._line("\n".join(lines), "name", measures.TITLE, CENTRE)
            title.paragraph_format.space_before = title.paragraph_format.space_after = Pt(20)
            title.paragraph_format.line_spacing = Pt(34)
        else:
            row.paragraph_format.space_after = Pt(14)

    def add(self, block: Block, pictures: Mapping[str, bytes]) -> None:
        """One block of the text."""
        match block:
            case Heading():
                self.word.add_paragraph(block.text, style=f"Heading {min(block.level, 2)}")
            case Paragraph():
                self.word.add_paragraph(self.document.words(block.runs), style="Body Text")
            case Table():
                self._table(block)
            case Chart():
                self._chart(block, pictures[block.key])

    def foot(self) -> None:
        """签发, 报, 送, copies; kept with the end of the text."""
        self._keep_last()
        head = self.document.head
        lines = foot_lines(head)
        for at, line in enumerate(lines):
            right = line.startswith(("签发：", "共印"))
            foot = self._line(line, "body", 14, RIGHT if right else LEFT)
            foot.paragraph_format.keep_with_next = at + 1 < len(lines)
            foot.paragraph_format.keep_together = True
            foot.paragraph_format.line_spacing = Pt(24)
            if line.startswith("报："):
                _rule(foot, "top", "000000", 8)
            if line.startswith("送："):
                _rule(foot, "bottom", "000000", 4)
            if at == 0:
                foot.paragraph_format.space_before = Pt(10)

    def _line(self, text: str, part: str, size: float, align: Any) -> WordParagraph:
        """A paragraph outside the running text."""
        line: WordParagraph = self.word.add_paragraph(style="Normal")
        run = line.add_run(text)
        _fonts(run._element.get_or_add_rPr(), part)
        run.font.size = Pt(size)
        line.alignment = align
        return line

    def _both(self, left: str, right: str, size: float) -> WordParagraph:
        """Words at both ends of a line."""
        line = self._line(f"{left}\t{right}", "body", size, LEFT)
        line.paragraph_format.tab_stops.add_tab_stop(Mm(measures.WIDTH_MM), WD_TAB_ALIGNMENT.RIGHT)
        return line

    def _keep_last(self) -> None:
        """What stands before the foot goes with it to the next page."""
        body = self.word.element.body
        last = [part for part in body.iterchildren() if part.tag in (qn("w:p"), qn("w:tbl"))][-1]
        rows = last.findall(qn("w:tr"))[-2:] if last.tag == qn("w:tbl") else [last]
        for row in rows:
            for paragraph in row.iter(qn("w:p")):
                WordParagraph(paragraph, self.word).paragraph_format.keep_with_next = True

    def _chart(self, chart: Chart, picture: bytes) -> None:
        place = self.word.add_paragraph(style="Normal")
        place.alignment = CENTRE
        place.paragraph_format.line_spacing_rule = WD_LINE_SPACING.SINGLE
        place.paragraph_format.keep_with_next = True
        place.add_run().add_picture(io.BytesIO(picture), width=Mm(measures.WIDTH_MM - 2))
        properties = next(place._element.iter(qn("wp:docPr")))
        properties.set("descr", chart.description)
        properties.set("title", chart.caption)
        self._caption(chart.caption, keep=False)

    def _caption(self, text: str, *, keep: bool) -> None:
        caption = self._line(text, "heading", 12, CENTRE)
        caption.paragraph_format.keep_with_next = keep
        caption.paragraph_format.space_before = caption.paragraph_format.space_after = Pt(4)
        caption.paragraph_format.line_spacing_rule = WD_LINE_SPACING.SINGLE

    def _table(self, block: Table) -> None:
        self._caption(block.caption, keep=True)
        table = self.word.add_table(rows=0, cols=len(block.columns), style="Table Grid")
        table.alignment, table.autofit = WD_TABLE_ALIGNMENT.CENTER, False
        whole = sum(column.weight for column in block.columns)
        widths = [round(measures.WIDTH_POINTS * _TWIPS * column.weight / whole) for column in block.columns]
        for grid, width in zip(table._tbl.tblGrid.findall(qn("w:gridCol")), widths, strict=True):
            grid.set(qn("w:w"), str(width))
        texts = [[self.document.words(cell) for cell in row] for row in block.rows]
        sides = [column.right for column in block.columns]
        table._tbl.append(_row([column.title for column in block.columns], widths, sides, is_header=True))
        for row in texts:
            table._tbl.append(_row(row, widths, sides, is_header=False))

    def _styles(self) -> None:
        styles = self.word.styles
        line = Pt(self.document.head.line_points)
        for name, part in (
            ("Normal", "body"),
            ("Heading 1", "heading"),
            ("Heading 2", "subheading"),
            ("Body Text", "body"),
        ):
            style = styles[name]
            _fonts(style.element.get_or_add_rPr(), part)
            style.font.size, style.font.bold, style.font.italic = Pt(measures.BODY), False, False
            style.font.color.rgb = RGBColor(0, 0, 0)
            _tracking(style.element.get_or_add_rPr(), measures.TRACKING if name != "Normal" else 0)
            form = style.paragraph_format
            form.space_before = form.space_after = Pt(0)
            form.line_spacing_rule, form.line_spacing = WD_LINE_SPACING.EXACTLY, line
            form.widow_control = True
            _indent(style.element.get_or_add_pPr(), 0 if name == "Normal" else 2)
        styles["Body Text"].paragraph_format.alignment = BOTH
        for name in ("Heading 1", "Heading 2"):
            styles[name].paragraph_format.keep_with_next = True

    def _section(self) -> None:
        section = self.word.sections[0]
        section.page_width, section.page_height = Mm(210), Mm(297)
        section.top_margin, section.bottom_margin = Mm(measures.TOP), Mm(measures.BOTTOM)
        section.left_margin, section.right_margin = Mm(measures.LEFT), Mm(measures.RIGHT)
        section.header_distance, section.footer_distance = Mm(15), Mm(measures.BOTTOM - 7 - 5)
        self.word.settings.odd_and_even_pages_header_footer = True
        for footer, align in ((section.footer, RIGHT), (section.even_page_footer, LEFT)):
            footer.is_linked_to_previous = False
            _page_number(footer.paragraphs[0], align)

    def _properties(self) -> None:
        head, core = self.document.head, self.word.core_properties
        made_at = datetime.combine(head.date, time())
        core.title, core.author, core.last_modified_by = (
            f"{head.name}{head.issue}",
            head.issuer[:255],
            head.issuer[:255],
        )
        core.created = core.modified = made_at
        core.language, core.comments = "zh-CN", ""


def _fonts(properties: Any, part: str) -> None:
    """All four names, no theme names (they would win), and the hint that settles signs both scripts have."""
    name = fonts.OFFICIAL[part][0]
    element = properties.find(qn("w:rFonts"))
    if element is None:
        element = OxmlElement("w:rFonts")
        properties.insert(0, element)
    element.attrib.clear()
    for script in ("ascii", "hAnsi", "eastAsia", "cs"):
        element.set(qn(f"w:{script}"), name)
    element.set(qn("w:hint"), "eastAsia")


def _tracking(properties: Any, points: float) -> None:
    spacing = OxmlElement("w:spacing")
    spacing.set(qn("w:val"), str(round(points * _TWIPS)))
    properties.append(spacing)


def _indent(properties: Any, characters: int) -> None:
    """First line indent in characters and, for those who do not know them, in twips; both also when it is none."""
    indent = OxmlElement("w:ind")
    indent.set(qn("w:firstLineChars"), str(characters * 100))
    indent.set(qn("w:firstLine"), str(round(characters * measures.BODY * _TWIPS)))
    properties.append(indent)


def _rule(paragraph: WordParagraph, side: str, colour: str, eighths: int) -> None:
    """A line above or below a paragraph."""
    borders = OxmlElement("w:pBdr")
    line = OxmlElement(f"w:{side}")
    for name, value in (("val", "single"), ("sz", str(eighths)), ("space", "4"), ("color", colour)):
        line.set(qn(f"w:{name}"), value)
    borders.append(line)
    paragraph._p.get_or_add_pPr().insert_element_before(
        borders, "w:shd", "w:tabs", "w:suppressAutoHyphens", "w:spacing", "w:ind", "w:jc", "w:rPr"
    )


def _page_number(paragraph: WordParagraph, align: Any) -> None:
    """— 1 — at the outer edge, one character in."""
    paragraph.alignment = align
    indent = paragraph.paragraph_format
    indent.left_indent = indent.right_indent = Pt(measures.PAGE_NUMBER)
    for part in ("— ", "begin", "PAGE", "separate", "1", "end", " —"):
        run = paragraph.add_run("" if part in {"begin", "PAGE", "separate", "end"} else part)
        _fonts(run._element.get_or_add_rPr(), "page")
        run.font.size = Pt(measures.PAGE_NUMBER)
        if part == "PAGE":
            instruction = OxmlElement("w:instrText")
            instruction.set(qn("xml:space"), "preserve")
            instruction.text = "PAGE"
            run._element.append(instruction)
        elif part in {"begin", "separate", "end"}:
            mark = OxmlElement("w:fldChar")
            mark.set(qn("w:fldCharType"), part)
            run._element.append(mark)


def _row(texts: list[str], widths: list[int], rights: list[bool], *, is_header: bool) -> Any:
    """A table row built directly: python-docx's own way costs a second per thousand cells."""
    row = OxmlElement("w:tr")
    settings = _child(row, "w:trPr")
    _child(settings, "w:cantSplit")
    if is_header:
        _child(settings, "w:tblHeader")
    for text, width, right in zip(texts, widths, rights, strict=True):
        cell = _child(row, "w:tc")
        properties = _child(cell, "w:tcPr")
        _child(properties, "w:tcW", w=str(width), type="dxa")
        if is_header:
            _child(properties, "w:shd", val="clear", color="auto", fill="F0F0F0")
        _child(properties, "w:vAlign", val="center")
        paragraph = _child(cell, "w:p")
        form = _child(paragraph, "w:pPr")
        _child(form, "w:spacing", before="40", after="40", line="300", lineRule="exact")
        _child(form, "w:jc", val="center" if is_header else "right" if right else "left")
        run = _child(paragraph, "w:r")
        look = _child(run, "w:rPr")
        _fonts(look, "heading" if is_header else "body")
        _child(look, "w:sz", val=str(round(measures.TABLE * 2)))
        words = _child(run, "w:t")
        words.text = text
        words.set(qn("xml:space"), "preserve")
    return row


def _child(parent: Any, tag: str, **attributes: str) -> Any:
    child = OxmlElement(tag)
    for name, value in attributes.items():
        child.set(qn(f"w:{name}"), value)
    parent.append(child)
    return child


def _repacked(archive: bytes) -> bytes:
    """The same parts with one fixed time."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(archive)) as source, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as target:
        for name in source.namelist():
            info = zipfile.ZipInfo(name, _ARCHIVE_TIME)
            info.compress_type = zipfile.ZIP_DEFLATED
            target.writestr(info, source.read(name))
    return out.getvalue()
