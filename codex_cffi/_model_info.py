"""What the engine cannot know of a model that is newer than it: told by the program, or read from a catalogue."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

from ._checks import choice, filled, flag, mapping, several, text, whole

InputModality = Literal["text", "image", "audio"]
ShellType = Literal["default", "shell_command", "unified_exec", "local", "disabled"]
ToolMode = Literal["direct", "code_mode", "code_mode_only"]

#: Fields by their names in the engine's catalogue, where it takes their values as they are.
_PLAIN = {
    "name": "slug",
    "like": "like",
    "description": "description",
    "context_window": "context_window",
    "auto_compact_limit": "auto_compact_token_limit",
    "tool_mode": "tool_mode",
    "shell_type": "shell_type",
    "default_reasoning_effort": "default_reasoning_level",
    "reasoning_summaries": "supports_reasoning_summary_parameter",
    "parallel_tool_calls": "supports_parallel_tool_calls",
    "verbosity": "support_verbosity",
    "instructions": "base_instructions",
}


@dataclass(frozen=True)
class ModelInfo:
    """A model that the engine does not know, or knows otherwise: ``Codex(models=[ModelInfo(...)])``.

    What is not given is that of the model that `like` names; without it, what the engine assumes of a model that it does not know: a context window of
    272,000 tokens, text and images, one tool call at a time, patches by commands, no code mode.

    Attributes:
        name: As the model provider calls it, and ``model=`` of a thread or turn.
        like: Name of a model that the engine knows, from ``codex.models.list()``, whose instructions and properties it has, as far as they are not given.
        description: For a person who chooses.
        context_window: Tokens that it takes.
        auto_compact_limit: Tokens from which on the conversation is summarized; at most, and by default, nine tenths of the context window.
        tool_mode: ``direct``: it calls tools one by one. ``code_mode_only``: it acts by scripts, as most of the newest models; ``code_mode``: by both.
        shell_type: Which of the engine's tools runs commands.
        apply_patch: It has the tool ``apply_patch``. Otherwise it patches by commands.
        reasoning_efforts: The efforts that it has, whatever they are called. Others are refused, unless none are given.
        default_reasoning_effort: The one that it has unless told.
        reasoning_summaries: It can summarize what it reasons.
        input_modalities: What it takes; images are only sent to a model that takes them.
        parallel_tool_calls: It may call several tools at once.
        verbosity: It can be told how much to say (``model_verbosity``).
        instructions: Its system instructions, instead of those of the engine.
        other: Further fields of the engine's catalogue, by the names that they have there.

    Raises:
        TypeError, ValueError: A value is none that the field can have.

    Example:
        >>> ModelInfo("gpt-9", like="gpt-5.5", context_window=400_000, reasoning_efforts=["low", "ultra"]).context_window
        400000
    """

    name: str
    _: KW_ONLY
    like: str | None = None
    description: str | None = None
    context_window: int | None = None
    auto_compact_limit: int | None = None
    tool_mode: ToolMode | None = None
    shell_type: ShellType | None = None
    apply_patch: bool | None = None
    reasoning_efforts: Sequence[str] | None = None
    default_reasoning_effort: str | None = None
    reasoning_summaries: bool | None = None
    input_modalities: Sequence[InputModality] | None = None
    parallel_tool_calls: bool | None = None
    verbosity: bool | None = None
    instructions: str | None = None
    other: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        filled("name", self.name)
        for named in ("like", "default_reasoning_effort"):
            if getattr(self, named) is not None:
                filled(named, getattr(self, named))
        for named in ("description", "instructions"):
            if getattr(self, named) is not None:
                text(named, getattr(self, named))
        for named in ("context_window", "auto_compact_limit"):
            whole(named, getattr(self, named), 1, or_none=True)
        for named in ("apply_patch", "reasoning_summaries", "parallel_tool_calls", "verbosity"):
            if getattr(self, named) is not None:
                flag(named, getattr(self, named))
        if self.tool_mode is not None:
            choice("tool_mode", self.tool_mode, ToolMode)
        if self.shell_type is not None:
            choice("shell_type", self.shell_type, ShellType)
        self._hold(
            "input_modalities", "modalities", lambda modality: choice("input_modalities", modality, InputModality)
        )
        self._hold("reasoning_efforts", "efforts", lambda effort: filled("reasoning_efforts", effort))
        object.__setattr__(self, "other", dict(mapping("other", self.other, " of fields")))
        default, known = self.default_reasoning_effort, self.reasoning_efforts
        if default is not None and known is not None and default not in known:
            raise ValueError(f"default_reasoning_effort is {default!r}, which is not among reasoning_efforts")

    def _hold(self, name: str, many: str, check: Any) -> None:
        """Keeps values that were given as a list, checked."""
        given = getattr(self, name)
        if given is not None:
            object.__setattr__(self, name, tuple(check(value) for value in several(name, given, many, "text")))

    def to_engine(self) -> dict[str, Any]:
        """The form that the library takes it in."""
        made = {ours: getattr(self, name) for name, ours in _PLAIN.items()}
        made = {name: value for name, value in made.items() if value is not None}
        if self.apply_patch is not None:
            made["apply_patch_tool_type"] = "freeform" if self.apply_patch else None
        if self.reasoning_efforts is not None:
            made["supported_reasoning_levels"] = [
                {"effort": name, "description": ""} for name in self.reasoning_efforts
            ]
            if self.default_reasoning_effort is None:
                made["default_reasoning_level"] = None
        if self.input_modalities is not None:
            made["input_modalities"] = list(self.input_modalities)
        if self.instructions is not None:
            made["model_messages"] = None  # a template would count instead of them
        return {**made, **self.other}


def from_catalog(catalog: str | os.PathLike[str] | Mapping[str, Any]) -> list[ModelInfo]:
    """The models of a catalogue in the engine's form: a file such as ``model_catalog_json`` of ``config.toml`` names, or what is in one.

    Raises:
        ValueError: It is none.

    Example:
        >>> [model.name for model in from_catalog({"models": [{"slug": "gpt-9", "context_window": 400_000}]})]
        ['gpt-9']
    """
    from ._json import decode_plain

    found: Any = catalog
    if not isinstance(catalog, Mapping):
        path = Path(catalog).expanduser()
        try:
            found = decode_plain(path.read_bytes())
        except ValueError as error:
            raise ValueError(f"{path} is no JSON: {error}") from None
    models = found.get("models") if isinstance(found, Mapping) else None
    if not isinstance(models, Iterable) or isinstance(models, (str, Mapping)):
        raise ValueError('a catalogue is an object with a list of "models"')
    return [_from_entry(entry) for entry in models]


def _from_entry(entry: Any) -> ModelInfo:
    """A model of a catalogue; what this release has no field for is left to the engine."""
    if not isinstance(entry, Mapping) or not isinstance(entry.get("slug"), str):
        raise ValueError('a model of a catalogue is an object with a "slug"')
    plain = {ours: name for name, ours in _PLAIN.items()}
    known = {plain[name]: value for name, value in entry.items() if name in plain and value is not None}
    other = {name: value for name, value in entry.items() if name not in plain}
    levels = other.get("supported_reasoning_levels")
    if isinstance(levels, list):
        known["reasoning_efforts"] = [level["effort"] for level in levels]
    modalities = other.get("input_modalities")
    if isinstance(modalities, list):
        # A newer one's could not be sent anyway.
        known["input_modalities"] = [each for each in modalities if each in get_args(InputModality)]
        del other["input_modalities"]
    return ModelInfo(known.pop("name"), **known, other=other)


def check_models(models: Any) -> list[ModelInfo]:
    """The models that a client is given.

    Raises:
        TypeError, ValueError: These are none, or two have one name.
    """
    given = list(several("models", models, "ModelInfo", "text"))
    for model in given:
        if not isinstance(model, ModelInfo):
            raise TypeError(f"models must be of ModelInfo, not {type(model).__name__}")
    names = [model.name for model in given]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise ValueError(f"two of models are called {twice!r}")
    return given


def check_effort(effort: Any, model: str | None, efforts: Mapping[str, Sequence[str]]) -> None:
    """Raises ValueError for an effort that the model does not have, as far as the program has told."""
    known = efforts.get(model or "")
    if known and effort is not None and effort not in known:
        raise ValueError(
            f"model {model} has no reasoning effort {effort!r}; its ModelInfo lists {', '.join(map(repr, known))}"
        )
