"""XML from files that may be hostile: no document types, no entities, bounded in size, depth and number of parts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from xml.parsers import expat

from derin.core.errors import RefusedFileError

MAX_BYTES = 16 << 20
_MAX_DEPTH = 32
_MAX_ELEMENTS = 500_000


@dataclass(slots=True)
class Element:
    """An element of a document.

    Args:
        name: of the element.
        attributes: by name.
        children: elements within it.
        text: in it, without that of its children.
    """

    name: str
    attributes: dict[str, str]
    children: list[Element] = field(default_factory=list)
    text: str = ""

    def all(self, name: str) -> Iterator[Element]:
        """The children of this name."""
        return (child for child in self.children if child.name == name)

    def text_of(self, *names: str) -> str | None:
        """The text of the first child on this way of names, without space around it; None where there is none."""
        here: Element | None = self
        for name in names:
            here = None if here is None else next(here.all(name), None)
        return None if here is None else here.text.strip()


def parse_xml(data: bytes, where: str) -> Element:
    """The outermost element of a document.

    Args:
        data: in any encoding that the document names.
        where: what is read, for the message.

    Raises:
        RefusedFileError: no XML, a document type or an entity of its own, or more than 16 MiB, 32 levels or 500,000
            elements.

    Example:
        >>> parse_xml(b"<size><width> 640 </width></size>", "It").text_of("width")
        '640'
        >>> parse_xml(b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', "It")
        Traceback (most recent call last):
        derin.core.errors.RefusedFileError: It is refused: it declares a document type, which annotations do not need; \
take that line out.
    """
    if len(data) > MAX_BYTES:
        raise RefusedFileError(f"{where} is refused: it has more than {MAX_BYTES >> 20} MiB; check what this file is.")
    parser = expat.ParserCreate()
    parser.buffer_text = True
    open_elements: list[Element] = []
    found: list[Element] = []
    count = 0

    def start(name: str, attributes: dict[str, str]) -> None:
        nonlocal count
        count += 1
        if len(open_elements) >= _MAX_DEPTH or count > _MAX_ELEMENTS:
            raise RefusedFileError(
                f"{where} is refused: it has more than {_MAX_DEPTH} levels or {_MAX_ELEMENTS:,} elements; check what "
                "this file is."
            )
        element = Element(name, attributes)
        (open_elements[-1].children if open_elements else found).append(element)
        open_elements.append(element)

    def end(name: str) -> None:
        open_elements.pop()

    def text(content: str) -> None:
        open_elements[-1].text += content

    def refuse(*declared: object) -> None:
        raise RefusedFileError(
            f"{where} is refused: it declares a document type, which annotations do not need; take that line out."
        )

    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.CharacterDataHandler = text
    parser.StartDoctypeDeclHandler = parser.EntityDeclHandler = refuse
    try:
        parser.Parse(data, True)
    except (expat.ExpatError, LookupError, ValueError) as error:
        raise RefusedFileError(f"{where} is refused: it is no XML ({error}); restore it.") from None
    return found[0]
