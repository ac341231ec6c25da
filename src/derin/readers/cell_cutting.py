"""Delimited bytes cut into cells, many thousand at a time: where delimiters, line ends and quotes stand is found for a
whole piece of a file at once.

What is cut here are the records of RFC 4180 and what `csv` reads in the same way without doubt: quotes enclose whole
cells, or stand within cells that none encloses. Of all else nothing is said, and it is read record by record.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from derin.data.cells.packed import SPARE, Block, Bytes, Flags, Places

# Bytes that are cut at a time; while they are, a few times as many are taken.
_PIECE = 1 << 18
_QUOTE, _FEED, _RETURN, _SPACE = b'"'[0], b"\n"[0], b"\r"[0], b" "[0]
_IS_SPACE = np.zeros(256, dtype=bool)
_IS_BLANK = _IS_SPACE.copy()
_IS_BLANK[_SPACE] = True
_IS_SPACE[[9, 10, 11, 12, 13, 28, 29, 30, 31, 32]] = True
# The white space of Unicode beyond ASCII, of two bytes or three.
_WIDE_SPACE = re.compile(rb"\xc2[\x85\xa0]|\xe1\x9a\x80|\xe2\x80[\x80-\x8a\xa8\xa9\xaf]|\xe2\x81\x9f|\xe3\x80\x80")


@dataclass(frozen=True)
class Piece:
    """Some records, and the bytes and lines that they take.

    Args:
        block: their cells.
        ends: the line on which each ends, counted from the first of these.
        num_bytes: with line ends and delimiters; 0 where no record ends in the bytes that were looked at.
        num_lines: on which they stand.
    """

    block: Block
    ends: Places
    num_bytes: int
    num_lines: int


def cut_piece(whole: Bytes, start: int, delimiter: str, *, quotes: bool, longest: int) -> Piece | None:
    """The next records of a file, some thousand at a time; None where not all of them can be cut without doubt.

    Args:
        whole: the bytes of the file, in UTF-8.
        start: of the first record.
        delimiter: between cells.
        quotes: whether quotes enclose cells.
        longest: the most bytes of a record.

    Example:
        >>> piece = cut_piece(np.frombuffer(b'a,"b,\\n"\\n 1, 2\\n', np.uint8), 0, ",", quotes=True, longest=100)
        >>> [piece.block.row(i, 2) for i in range(2)], piece.ends.tolist()
        ([['a', 'b,'], ['1', '2']], [2, 3])
    """
    mark = delimiter.encode()
    if len(mark) != 1 or delimiter in ' "\r\n':
        return None
    size = _PIECE
    while True:
        piece = _cut(whole, start, min(start + size, len(whole)), mark[0], quotes, longest)
        if piece is None or piece.num_bytes or size >= longest:
            return piece if piece is not None and piece.num_bytes else None
        size *= 2


def _cut(whole: Bytes, start: int, stop: int, mark: int, quotes: bool, longest: int) -> Piece | None:
    """The records that begin at `start` and end before `stop`; None where one of them leaves a doubt."""
    piece, is_last = whole[start:stop], stop == len(whole)
    if (piece == 0).any():
        return None
    is_one = (piece == mark) | (piece == _FEED)
    is_quote = piece == _QUOTE
    enclosing: Places = np.zeros(0, dtype=np.int64)
    if quotes and is_quote.any():
        at: Places = np.flatnonzero(is_one | is_quote)
        is_quote = is_quote[at]
        found = _enclosing(whole, start, at[is_quote], mark, is_last)
        if found is None:
            return None
        enclosing, all_quotes = found
        before = np.minimum(np.cumsum(is_quote), len(enclosing)) if all_quotes else np.searchsorted(enclosing, at)
        at = at[~is_quote & (before % 2 == 0)]
    else:
        at = np.flatnonzero(is_one)
    if is_last and (not len(at) or at[-1] != len(piece) - 1 or piece[-1] != _FEED):
        # The last line has no end of its own.
        at = np.append(at, len(piece))
        last = np.append(np.flatnonzero(piece[at[:-1]] == _FEED), len(at) - 1)
    else:
        last = np.flatnonzero(piece[at] == _FEED)
        at = at[: last[-1] + 1] if len(last) else at[:0]
    if not len(last):
        return Piece(Block.of([]), last, 0, 0)
    num_bytes = min(int(at[-1]) + 1, len(piece))
    piece = piece[:num_bytes]
    starts: Places = np.concatenate([np.zeros(1, dtype=np.int64), at[:-1] + 1])
    first = np.concatenate([np.zeros(1, dtype=np.int64), last + 1])
    if int((at[last] - starts[first[:-1]]).max()) > longest:
        return None
    ends: Places = at
    returns = np.flatnonzero(piece == _RETURN)
    if len(returns):
        if start + returns[-1] + 1 == len(whole) or (whole[start + returns + 1] != _FEED).any():
            return None
        ends = at.copy()
        ends[last] -= (ends[last] > starts[last]) & (piece[np.maximum(ends[last], 1) - 1] == _RETURN)
    if len(enclosing):
        feeds = np.flatnonzero(piece == _FEED)
        record_ends, num_lines = np.searchsorted(feeds, at[last]) + 1, len(feeds)
    else:
        record_ends, num_lines = np.arange(1, len(last) + 1), len(last)
    # Of an empty line `csv` makes a record without cells.
    empty = (np.diff(first) == 1) & (starts == ends)[first[:-1]]
    if empty.any():
        kept = np.ones(len(starts), dtype=bool)
        kept[first[:-1][empty]] = False
        starts, ends = starts[kept], ends[kept]
        first = np.concatenate([first[:1], np.cumsum(np.diff(first) - empty)])
    # The bytes around these records, or some of our own before the first and behind the last ones.
    if start >= SPARE and start + num_bytes + SPARE <= len(whole):
        buffer: Bytes = whole[start - SPARE : start + num_bytes + SPARE]
    else:
        buffer = np.pad(piece, SPARE)
    # Seldom is there a space in a table of numbers.
    num_ends = len(last) - int(at[-1] == len(piece)) + len(returns)
    starts += SPARE
    ends += SPARE
    has_spaces = mark <= _SPACE or np.count_nonzero(piece <= _SPACE) > num_ends
    if has_spaces:
        starts = _without(buffer, starts, ends, _IS_BLANK, 0)
    if len(enclosing):
        is_enclosed = (starts < ends) & (buffer[starts] == _QUOTE)
        starts, ends = starts + is_enclosed, ends - is_enclosed
        # Of two quotes in an enclosed cell, which stand for one, the second.
        doubled = enclosing[2::2][enclosing[2::2] == enclosing[1:-1:2][: len(enclosing[2::2])] + 1]
        if len(doubled := doubled[doubled < num_bytes]):
            doubled += SPARE
            buffer = np.delete(buffer, doubled)
            starts, ends = starts - np.searchsorted(doubled, starts), ends - np.searchsorted(doubled, ends)
    is_something = starts < ends
    if has_spaces:
        starts = _without(buffer, starts, ends, _IS_SPACE, 0)
        ends = _without(buffer, ends, starts, _IS_SPACE, -1)
    if (piece >= 128).any():
        starts, ends = _without_wide_spaces(buffer, starts, ends)
    is_filled = np.ones(len(first) - 1, dtype=bool)
    if empty.any() or not is_something.all():
        before = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(is_something)])
        is_filled = before[first[1:]] > before[first[:-1]]
    return Piece(Block.at(buffer, starts, ends, first, is_filled), record_ends, num_bytes, num_lines)


def _without(buffer: Bytes, edges: Places, others: Places, is_space: Flags, before: int) -> Places:
    """The edges of cells moved towards the others, over bytes of a kind.

    Args:
        edges: where cells begin, or where they end.
        others: where they end, or where they begin.
        before: the place of the byte to look at, counted from an edge: 0 from beginnings, -1 from ends.
    """
    step = 1 if before == 0 else -1
    moving = np.flatnonzero(is_space[buffer[edges + before]] & (edges != others))
    if len(moving):
        edges = edges.copy()
    while len(moving):
        edges[moving] += step
        now = edges[moving]
        moving = moving[(now != others[moving]) & is_space[buffer[now + before]]]
    return edges


def _without_wide_spaces(buffer: Bytes, starts: Places, ends: Places) -> tuple[Places, Places]:
    """The edges of cells without spaces beyond ASCII."""
    text = buffer.tobytes()
    spans = [match.span() for match in _WIDE_SPACE.finditer(text)]
    if not spans:
        return starts, ends
    begins, stops = np.asarray(spans).T
    starts, ends = starts.copy(), ends.copy()
    for place in np.flatnonzero((np.isin(starts, begins) | np.isin(ends, stops)) & (starts < ends)).tolist():
        cell = text[starts[place] : ends[place]].decode("utf-8", "surrogatepass")
        starts[place] += len(cell[: len(cell) - len(cell.lstrip())].encode("utf-8", "surrogatepass"))
        ends[place] = starts[place] + len(cell.strip().encode("utf-8", "surrogatepass"))
    return starts, ends


def _enclosing(whole: Bytes, start: int, quotes: Places, mark: int, is_last: bool) -> tuple[Places, bool] | None:
    """The quotes that enclose cells or stand in pairs within these, so that an odd number of them stands before what is
    enclosed, and whether these are all up to the last of them; None where one leaves a doubt.

    Args:
        whole: the bytes of the file.
        start: of the piece, at a record.
        quotes: their places in the piece.
        mark: the delimiter.
        is_last: whether the file ends with the piece.
    """
    behind = whole[np.minimum(start + quotes + 1, len(whole) - 1)]
    if not is_last and behind[-1] == _QUOTE:
        # Quotes side by side may be cut in two, and which of them are pairs is not known yet; no record of this piece
        # ends behind them.
        apart = np.flatnonzero(np.diff(quotes) > 1)
        num = int(apart[-1]) + 1 if len(apart) else 0
        quotes, behind = quotes[:num], behind[:num]
        if not num:
            return quotes, True
    before = quotes - 1
    blank = np.flatnonzero((before >= 0) & (whole[start + np.maximum(before, 0)] == _SPACE))
    while len(blank):
        before[blank] -= 1
        now = before[blank]
        blank = blank[(now >= 0) & (whole[start + np.maximum(now, 0)] == _SPACE)]
    previous = whole[start + np.maximum(before, 0)]
    opens = (before < 0) | (previous == mark) | (previous == _FEED)
    closes = (behind == mark) | (behind == _FEED) | (behind == _RETURN) | (start + quotes + 1 == len(whole))
    pairs = np.zeros(len(quotes), dtype=bool)
    pairs[1:] = np.diff(quotes) == 1
    opens_here, closes_here = opens | pairs, closes.copy()
    closes_here[:-1] |= pairs[1:]
    if opens_here[::2].all() and closes_here[1::2].all() and not (is_last and len(quotes) % 2):
        return quotes, True
    found = _one_by_one(quotes.tolist(), opens.tolist(), closes.tolist(), is_last)
    return None if found is None else (np.asarray(found, dtype=np.int64), False)


def _one_by_one(quotes: list[int], opens: list[bool], closes: list[bool], is_last: bool) -> list[int] | None:
    """The same where quotes stand within cells that none encloses too: there they are characters like others."""
    found: list[int] = []
    place = 0
    while place < len(quotes):
        if not opens[place]:
            place += 1
            continue
        found.append(quotes[place])
        place += 1
        is_open = True
        while is_open and place < len(quotes):
            if quotes[place + 1 : place + 2] == [quotes[place] + 1]:
                found += quotes[place : place + 2]
                place += 2
            elif closes[place]:
                found.append(quotes[place])
                place += 1
                is_open = False
            else:
                return None
        if is_open and is_last:
            return None
    return found
