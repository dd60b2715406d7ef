"""Text as people type it → text as luqum reads it.

luqum gives meaning to characters that are plain text to an officer (`C++`, `a*b`, `~`, `^`, a lone `-`). They are
escaped here; full-width signs of a Chinese keyboard become the half-width ones, except between quotes.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from core.errors import QuerySyntax

_WIDE = {chr(code): chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F)} | {"\u3000": " "}
#: Opening quote → what closes it.
_QUOTES = {'"': '"', "“": "”“", "”": "”“"}


@dataclass(slots=True)
class Spelling:
    """The rewritten text; `origins[i]` is the 1-based place of its i-th character in what was typed."""

    typed: str
    text: list[str] = field(default_factory=list)
    origins: list[int] = field(default_factory=list)

    def add(self, piece: str, index: int) -> None:
        """Append what stands for the typed character at `index`."""
        self.text.extend(piece)
        self.origins.extend([index + 1] * len(piece))

    def origin(self, position: int) -> int:
        """1-based place in the typed text of a 0-based position in the rewritten one."""
        return self.origins[position] if 0 <= position < len(self.origins) else len(self.typed) + 1

    def follows(self, signs: str) -> bool:
        """Whether the last character is one of these signs."""
        return bool(self.text) and self.text[-1] in signs

    def starts_word(self) -> bool:
        """Whether the next character would be the first of a word."""
        return not self.text or self.text[-1].isspace() or self.follows('()[]{}:<>="+-')

    def follows_prefix(self) -> bool:
        """Whether the last character is a `-` or `+` that stands before an operand."""
        before = self.text[-2:-1]
        return self.follows("+-") and (not before or before[0].isspace() or before[0] in '()"')


def respell(typed: str, max_depth: int) -> Spelling:
    """Rewrite for luqum. Raises QuerySyntax for quotes and brackets that do not pair, or nest too deep."""
    result = Spelling(typed)
    open_groups: list[int] = []
    open_range: int | None = None
    index = 0
    while index < len(typed):
        sign = _WIDE.get(typed[index], typed[index])
        if sign in _QUOTES:
            index = _copy_phrase(result, index)
            continue
        if sign in "[{" and result.follows(":"):
            open_range = index
            result.add(sign, index)
        elif sign in "]}" and open_range is not None:
            open_range = None
            result.add(sign, index)
        else:
            _pair(open_groups, sign, index, max_depth)
            result.add(_escaped(result, sign, typed[index + 1 : index + 2]), index)
        index += 1
    if open_groups:
        raise QuerySyntax("缺右括号", open_groups[-1] + 1)
    if open_range is not None:
        raise QuerySyntax("缺右方括号", open_range + 1)
    return result


def _copy_phrase(result: Spelling, start: int) -> int:
    """Copy a quoted phrase, its backslashes and inner quotes escaped; return the index after it."""
    typed, closing = result.typed, _QUOTES[_WIDE.get(result.typed[start], result.typed[start])]
    if not result.starts_word() or (result.follows("+-") and not result.follows_prefix()):
        result.add(" ", start)
    result.add('"', start)
    index = start + 1
    while index < len(typed) and _WIDE.get(typed[index], typed[index]) not in closing:
        if typed[index] == "\\" and typed[index + 1 : index + 2] in {'"', "\\"}:
            index += 1
        result.add(f"\\{typed[index]}" if typed[index] in '"\\' else typed[index], index)
        index += 1
    if index >= len(typed):
        raise QuerySyntax("缺右引号", start + 1)
    result.add('"', index)
    return index + 1


def _pair(open_groups: list[int], sign: str, index: int, max_depth: int) -> None:
    """Keep count of the brackets that are open."""
    if sign == "(":
        open_groups.append(index)
        if len(open_groups) > max_depth:
            raise QuerySyntax(f"括号最多套 {max_depth} 层", index + 1)
    elif sign == ")":
        if not open_groups:
            raise QuerySyntax("多了右括号", index + 1)
        open_groups.pop()


def _escaped(result: Spelling, sign: str, following: str) -> str:
    """The sign, with a backslash before it where luqum would see more in it than a character."""
    if sign in "\\^~[]{}":
        return f"\\{sign}"
    if not result.starts_word():
        return sign
    if sign == "/":
        return f"\\{sign}"
    if sign in "<>":
        return sign if result.follows(":") else f"\\{sign}"
    if sign in "+-":
        is_prefix = bool(following.strip(")）")) and not following.isspace() and not result.follows(":<>=+-")
        return sign if is_prefix else f"\\{sign}"
    return sign
