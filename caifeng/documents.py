"""YAML files with the line of every value, so that an error can name its place."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from core.errors import ConfigError, Fault

#: Far above any real profile; below what a bomb needs.
MAX_BYTES = 4 << 20
MAX_DEPTH = 50

#: Ten times faster where PyYAML came with libyaml, and the same otherwise.
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

Place = tuple[str | int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class YamlFile:
    """A parsed file: plain data, and the line (from 1) of every place in it."""

    name: str
    data: Any
    lines: dict[Place, int]

    def line(self, place: Place) -> int | None:
        """Line of a place, or of the nearest one above it."""
        while place not in self.lines and place:
            place = place[:-1]
        return self.lines.get(place)

    def fault(self, place: Place, reason: str) -> Fault:
        """A fault at a place of this file."""
        return Fault(file=self.name, line=self.line(place), reason=reason)

    def faults(self, error: ValidationError, prefix: Place = ()) -> list[Fault]:
        """Every error pydantic found, each with its line; `prefix` leads to what was validated."""
        return [
            self.fault(
                (*prefix, *found["loc"]),
                f"{'.'.join(str(part) for part in found['loc']) or '整个文件'}：{_words(found['type'], found['msg'])}",
            )
            for found in error.errors(include_url=False, include_input=False)
        ]


def read_text(path: Path) -> str:
    """Text of one file. Raises ConfigError when it cannot be read, is too large or not UTF-8."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise ConfigError([Fault(file=path.name, line=None, reason=f"文件超过 {MAX_BYTES >> 20} MB")])
        return path.read_text("utf-8-sig")
    except OSError as error:
        raise ConfigError([Fault(file=str(path), line=None, reason=f"无法读取：{error.strerror}")]) from error
    except UnicodeDecodeError as error:
        reason = f"不是 UTF-8 编码（第 {error.start} 字节）"
        raise ConfigError([Fault(file=path.name, line=None, reason=reason)]) from error


def parse(name: str, text: str) -> YamlFile:
    """Parse YAML; `name` stands in errors. Raises ConfigError for what is no YAML, repeated keys and anchors."""
    try:
        _guard(name, text)
        loader = _Loader(text)
        root = loader.get_single_node()
        data = loader.construct_document(root) if root is not None else None
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else None
        raise ConfigError([Fault(file=name, line=line, reason=f"YAML 语法错误：{error.problem}")]) from error
    except (yaml.YAMLError, ValueError) as error:
        raise ConfigError([Fault(file=name, line=None, reason=f"YAML 语法错误：{error}")]) from error
    lines: dict[Place, int] = {}
    repeated: list[Fault] = []
    if root is not None:
        _walk(root, (), lines, repeated, name)
    if repeated:
        raise ConfigError(repeated)
    return YamlFile(name=name, data=data, lines=lines)


def _guard(name: str, text: str) -> None:
    """Read the events alone, before anything is built: no anchors, no nesting that would exhaust the stack."""
    depth = 0
    for event in yaml.parse(text, Loader=_Loader):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        alias = isinstance(event, yaml.AliasEvent)
        if alias or depth > MAX_DEPTH:
            reason = "不支持 YAML 锚点与引用（& 和 *）" if alias else "嵌套过深"
            line = event.start_mark.line + 1 if event.start_mark else None
            raise ConfigError([Fault(file=name, line=line, reason=reason)])


def _walk(node: yaml.Node, place: Place, lines: dict[Place, int], repeated: list[Fault], name: str) -> None:
    lines[place] = node.start_mark.line + 1
    if isinstance(node, yaml.SequenceNode):
        for index, child in enumerate(node.value):
            _walk(child, (*place, index), lines, repeated, name)
    if isinstance(node, yaml.MappingNode):
        known: set[str] = set()
        for key, child in node.value:
            if key.value in known:
                repeated.append(Fault(file=name, line=key.start_mark.line + 1, reason=f"重复的键 {key.value}"))
            known.add(key.value)
            _walk(child, (*place, key.value), lines, repeated, name)
            lines[(*place, key.value)] = key.start_mark.line + 1


_WORDS = {
    "missing": "缺少此项",
    "extra_forbidden": "不认识的项，请核对拼写",
    "string_type": "应为文字（数字和日期请加引号）",
    "int_type": "应为整数",
    "int_parsing": "应为整数",
    "bool_type": "应为 true 或 false",
    "list_type": "应为列表",
    "tuple_type": "应为列表",
    "dict_type": "应为键值表",
    "time_parsing": '应为时刻，如 "08:00"',
    "unexpected_keyword_argument": "不认识的项，请核对拼写",
    "missing_keyword_only_argument": "缺少此项",
}


def _words(kind: str, message: str) -> str:
    return _WORDS.get(kind, message.removeprefix("Value error, "))
