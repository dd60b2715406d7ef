"""Records compressed one by one; what all of them have in common stands in the dictionary.

Chinese takes two bytes a character in GB18030 and three in UTF-8, and a short text never teaches zstd the difference.
"""

from __future__ import annotations

import functools
import threading
from typing import Any

import zstandard

# Parts of the file format: never change them without a new schema version.
_ENCODING = "gb18030"
_COMMON = (
    '{"post":{"id":"202601-","source":"","kind":"microblog","url":"https://www.gov.cn/","title":"","text":"","language":'
    '"zh-Hant","published_at":"2026-01-01T00:00:00Z","precision":"minute","first_seen_at":"2026-01-01T00:00:00Z",'
    '"author_hash":"","author_label":"**","engagement":{"views":1,"comments":1,"shares":1,"likes":1},"content_hash":""},'
    '"tags":{"topics":[{"id":"","score":0.9,"terms":["拖欠","工资","农民工","投诉","举报","问题","反映"]}],"class7":'
    '[{"id":"城乡建设","score":0.},{"id":"环境保护","score":0.},{"id":"交通运输","score":0.},{"id":"教育文体","score":0.},'
    '{"id":"劳动和社会保障","score":0.},{"id":"商贸旅游","score":0.},{"id":"卫生计生","score":0.}],"sentiment":{"label":'
    '"neutral","negative":0.1,"neutral":0.1,"positive":0.1},"regions":["省/市/县/街道/村"],"institutions":["人民政府"],'
    '"flags":["casualty","collective","rumor_suspect","minor_involved","call_for_help","media_central",'
    '"media_provincial","policy_related"],"keywords":["",""],"risk":10,"risk_reasons":["危害标记 casualty +25",'
    '"情感负面 +20"],"confident":true,"model_version":"2026.01"},"story":"202601-","incident":"202601-"}'
).encode(_ENCODING)

# zstd's contexts are not safe to share between threads.
_local = threading.local()


@functools.cache
def _dictionary() -> zstandard.ZstdCompressionDict:
    return zstandard.ZstdCompressionDict(_COMMON, dict_type=zstandard.DICT_TYPE_RAWCONTENT)


def pack(record: str) -> bytes:
    """Compress a record's JSON text."""
    if not hasattr(_local, "compressor"):
        _local.compressor = zstandard.ZstdCompressor(level=3, dict_data=_dictionary())
    packed: bytes = _local.compressor.compress(record.encode(_ENCODING))
    return packed


def unpack(packed: bytes) -> str:
    """The record's JSON text."""
    if not hasattr(_local, "decompressor"):
        _local.decompressor = zstandard.ZstdDecompressor(dict_data=_dictionary())
    record: bytes = _local.decompressor.decompress(packed)
    return record.decode(_ENCODING)


def install(connection: Any) -> None:
    """Give SQL the function `unpacked(body)`."""
    connection.create_function("unpacked", 1, unpack, deterministic=True)
