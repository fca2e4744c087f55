"""XML from strangers: judged by a streaming parser before any tree is built, then read without entities.

A bomb needs entities or millions of elements: an entity declaration is refused where it stands, elements, depth and
attributes are counted while nothing is kept. External entities and DTDs are never fetched. Writing systems that forget
to declare Latin-1 are common among carts, so a file that fails as it is declared is tried once as Latin-1.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element, ParseError
from xml.parsers import expat

from engine.signal.assemble import refusal
from engine.signal.formats.content import read_content

MAX_XML_BYTES = 20 * 2**20
MAX_ELEMENTS = 200_000
MAX_DEPTH = 64
MAX_ATTRIBUTES = 400_000
MAX_NAME = 256

_DECLARATION = re.compile(r"^\ufeff?\s*<\?xml[^>]{0,200}\?>")
_WIDE = (b"\xff\xfe", b"\xfe\xff")


def read_xml(path: Path) -> bytes:
    """The bytes of a file that is safe to build a tree from. Raises WorldError with the reason otherwise."""
    content = read_content(path, MAX_XML_BYTES)
    judge(content)
    return content


def tree(content: bytes) -> Element:
    """The document's root; namespaces are taken off tags and attributes. Raises WorldError when it is no XML."""
    from defusedxml import DefusedXmlException
    from defusedxml.ElementTree import fromstring

    try:
        try:
            root: Element = fromstring(content)
        except ParseError:
            root = fromstring(_as_latin1(content))
    except (ParseError, DefusedXmlException, ValueError, LookupError):
        raise refusal("its XML is damaged") from None
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""
    return root


def starts_with_root(head: bytes, *names: str) -> bool:
    """Whether a file's start shows an XML element of one of these names, in any case and encoding.

    >>> starts_with_root(b"<?xml version='1.0'?><x:AnnotatedECG>", "AnnotatedECG")
    True
    """
    if head.startswith(_WIDE):
        text = head.decode("utf-16", errors="ignore")
    elif head[:2] == b"<\0" or head[:2] == b"\0<":
        text = head.decode("utf-16-le" if head[1] == 0 else "utf-16-be", errors="ignore")
    else:
        text = head.decode("latin-1")
    if "<" not in text[:200]:
        return False
    wanted = "|".join(re.escape(name) for name in names)
    return re.search(rf"<(?:[A-Za-z_][\w.-]{{0,64}}:)?(?:{wanted})[\s>/]", text, re.IGNORECASE) is not None


def judge(content: bytes) -> None:
    """Refuse what no ECG needs. Raises WorldError: no XML, entities, too deep, too many elements."""
    try:
        _Judge().run(content)
    except expat.ExpatError as error:
        first = f"its XML is damaged (line {error.lineno})"
    except (ValueError, LookupError):
        first = "its XML has an unknown encoding"
    else:
        return
    if content.startswith(_WIDE):
        raise refusal(first)
    try:
        _Judge().run(_as_latin1(content))
    except (expat.ExpatError, ValueError, LookupError):
        raise refusal(first) from None


def _as_latin1(content: bytes) -> bytes:
    text = content.decode("latin-1").removeprefix("\u00ef\u00bb\u00bf")
    return _DECLARATION.sub("", text, count=1).encode()


class _Judge:
    """Counts while expat streams; keeps nothing."""

    def __init__(self) -> None:
        self.elements = self.depth = self.attributes = 0

    def run(self, content: bytes) -> None:
        """Stream the whole of a text; whatever is too much raises on the way."""
        parser = expat.ParserCreate()
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.EntityDeclHandler = self._entity
        parser.UnparsedEntityDeclHandler = self._entity
        parser.ExternalEntityRefHandler = self._entity
        parser.SetParamEntityParsing(expat.XML_PARAM_ENTITY_PARSING_NEVER)
        for start in range(0, max(len(content), 1), 2**16):
            parser.Parse(content[start : start + 2**16], start + 2**16 >= len(content))

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self.elements += 1
        self.depth += 1
        self.attributes += len(attributes)
        if self.depth > MAX_DEPTH:
            raise refusal(f"its XML is nested deeper than {MAX_DEPTH} levels")
        if self.elements > MAX_ELEMENTS or self.attributes > MAX_ATTRIBUTES or len(name) > MAX_NAME:
            raise refusal("its XML has far more parts than an ECG has")

    def _end(self, name: str) -> None:
        self.depth -= 1

    def _entity(self, *_: Any) -> int:
        raise refusal("its XML declares entities, which no ECG needs and attacks use", "Export it without a DTD")
