"""Bytes of JSON, cut out without being read: no number, string or key is decoded but the names asked for."""

import json
import re

STRING = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"', re.S)
SCALAR = re.compile(rb"[^\s,\]}]+")
SPACE = re.compile(rb"\s*")
BRACKET = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"|[\[\]{}]', re.S)


def members(text):
    """The members of the object `text`, by decoded name, as the bytes they are written in."""
    return {json.loads(name): value for name, value in _entries(text, b"{", named=True)}


def items(text):
    """The items of the array `text`, as bytes."""
    return [value for _, value in _entries(text, b"[", named=False)]


def _entries(text, opening, named):
    at = SPACE.match(text).end()
    if text[at:at + 1] != opening:
        raise ValueError(f"not a JSON {'object' if named else 'array'}: {text[:80]!r}")
    at = SPACE.match(text, at + 1).end()
    while text[at:at + 1] not in (b"}", b"]"):
        name = None
        if named:
            match = STRING.match(text, at)
            name, at = match.group(), SPACE.match(text, match.end()).end()
            if text[at:at + 1] != b":":
                raise ValueError(f"a colon is missing at {text[at:at + 40]!r}")
            at = SPACE.match(text, at + 1).end()
        end = _end(text, at)
        yield name, text[at:end]
        at = SPACE.match(text, end).end()
        if text[at:at + 1] == b",":
            at = SPACE.match(text, at + 1).end()


def _end(text, at):
    """Where the value that starts at `at` ends."""
    first = text[at:at + 1]
    if first == b'"':
        return STRING.match(text, at).end()
    if first not in (b"{", b"["):
        return SCALAR.match(text, at).end()
    depth = 0
    for token in BRACKET.finditer(text, at):
        if token.group() in (b"{", b"["):
            depth += 1
        elif token.group() in (b"}", b"]"):
            depth -= 1
            if depth == 0:
                return token.end()
    raise ValueError("the value does not end")
