"""Reads the package's docstrings for the documentation: a griffe extension (see mkdocs.yml).

They are Google style with Sphinx' roles (``:class:`Codex```); the site is Markdown. A role becomes a link where the reference has its target;
``text::`` before an indented block is plain text before a block of code.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import griffe

_ROLE = re.compile(r":(?:class|meth|func|attr|mod|data):`~?([^`]+)`")
_DIALOGUE = re.compile(r"(?:^>>> .*\n?(?:^(?!\s*$).*\n?)*)+", re.MULTILINE)
_STRUCT = re.compile(r"\b(Struct|Event|Item)\b")


class Docstrings(griffe.Extension):
    """Rewrites every docstring of a package once it is loaded."""

    def on_package(self, *, pkg: griffe.Module, **kwargs: Any) -> None:
        """Called by griffe."""
        for thing in _objects(pkg):
            if thing.docstring is not None:
                thing.docstring.value = _markdown(thing.docstring.value, thing, pkg)
                if isinstance(thing, griffe.Class):
                    thing.docstring.value += _fields(thing)
            elif thing.is_attribute and thing.parent is not None and thing.parent.is_module:
                _comment(thing)


def _objects(thing: griffe.Object) -> Iterator[griffe.Object]:
    yield thing
    for member in thing.members.values():
        if isinstance(member, griffe.Object):
            yield from _objects(member)


def _fields(thing: griffe.Class) -> str:
    """For a struct: its fields, where the docstring has no section for them, and the dotted name of an event."""
    assert thing.docstring is not None
    own = [a for a in thing.members.values() if isinstance(a, griffe.Attribute) and "property" not in a.labels]
    names = [a for a in own if a.name == "type" and a.value is not None]
    fields = [f"`{a.name}` (`{a.annotation}`)" for a in own if a.annotation and a not in names and a.is_public]
    text = ""
    if fields and "Attributes:" not in thing.docstring.value and _STRUCT.search(" ".join(map(str, thing.bases))):
        text = f"\n\nFields: {', '.join(fields)}."
    return text + "".join(f"\n\n`type` is `{a.value}`." for a in names)


def _comment(attribute: griffe.Object) -> None:
    """What stands in ``#:`` lines before an attribute is its docstring."""
    if not isinstance(attribute.filepath, list) and attribute.lineno:
        lines = attribute.filepath.read_text().splitlines()[: attribute.lineno - 1]
        found: list[str] = []
        while lines and lines[-1].startswith("#:"):
            found.insert(0, lines.pop()[2:].strip())
        if found:
            attribute.docstring = griffe.Docstring(
                _literals(" ".join(found)), lineno=attribute.lineno, parent=attribute, parser="google"
            )


def _markdown(text: str, thing: griffe.Object, package: griffe.Module) -> str:
    text = _ROLE.sub(lambda found: _link(found[1], thing, package), text)
    text = re.sub(r"^Example:\n", "Examples:\n", text, flags=re.MULTILINE)
    text = text.replace("  # doctest: +SKIP", "")
    # Examples outside of a section.
    text = _DIALOGUE.sub(lambda found: f"```pycon\n{found[0].rstrip()}\n```\n", text)
    text = re.sub(r"::(\n\s*\n {4})", r":\1", text)
    return _literals(text)


def _literals(text: str) -> str:
    return re.sub(r"(?<!`)``([^`\n]+)``(?!`)", r"`\1`", text)


def _link(name: str, thing: griffe.Object, package: griffe.Module) -> str:
    """A link to what a role names: a public name of the package, one of the object's class, or one of its module."""
    surroundings = [package, *([thing] if thing.is_class else [thing.parent] if thing.parent else []), thing.module]
    for scope in surroundings:
        target = _find(scope, name.removeprefix(f"{package.name}."))
        if target is not None:
            return f"[`{name}`][{target}]"
    return f"`{name}`"


def _find(scope: Any, name: str) -> str | None:
    """The path that the reference has an object under: a member under that of its class, inherited or not."""
    owner: Any = None
    found = scope
    for part in name.split("."):
        owner, found = found, (found.all_members if found.is_class else found.members).get(part)
        if found is None or part.startswith("_"):
            return None
    return f"{owner.canonical_path}.{found.name}" if owner.is_class else str(found.canonical_path)
