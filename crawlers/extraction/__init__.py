"""From the bytes of a page to title, text, time and author; pure, no network, no framework."""

from crawlers.extraction.assemble import Article, article
from crawlers.extraction.encoding import Decoded, decode
from crawlers.extraction.selectors import Selectors

__all__ = ["Article", "Decoded", "Selectors", "article", "decode"]
