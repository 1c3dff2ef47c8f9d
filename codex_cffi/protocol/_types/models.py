"""The engine's protocol: models.

Made by scripts/protocol.py from the engine's own schema; do not edit.
"""

from __future__ import annotations

from typing import ClassVar

from .._base import Params, Struct
from .names import InputModality, ModelRerouteReason, ModelVerification, ReasoningEffort


class Model(Struct, frozen=True, kw_only=True):
    """
    Attributes:
        additional_speed_tiers: Deprecated: use ``serviceTiers`` instead.
        default_service_tier: Catalog default service tier id for this model, when one is configured.
    """

    default_reasoning_effort: ReasoningEffort
    description: str
    display_name: str
    hidden: bool
    id: str
    is_default: bool
    model: str
    supported_reasoning_efforts: list[ReasoningEffortOption]
    additional_speed_tiers: list[str] = []
    availability_nux: ModelAvailabilityNux | None = None
    default_service_tier: str | None = None
    input_modalities: list[InputModality] | None = None
    service_tiers: list[ModelServiceTier] = []
    supports_personality: bool = False
    upgrade: str | None = None
    upgrade_info: ModelUpgradeInfo | None = None


class ModelAvailabilityNux(Struct, frozen=True, kw_only=True):
    message: str


class ModelListParams(Params["ModelListResponse"], frozen=True, kw_only=True):
    """Parameters of ``model/list``.

    Attributes:
        cursor: Opaque pagination cursor returned by a previous call.
        include_hidden: When true, include models that are hidden from the default picker list.
        limit: Optional page size; defaults to a reasonable server-side value.
    """

    METHOD: ClassVar[str] = "model/list"
    cursor: str | None = None
    include_hidden: bool | None = None
    limit: int | None = None


class ModelListResponse(Struct, frozen=True, kw_only=True):
    """
    Attributes:
        next_cursor: Opaque cursor to pass to the next call to continue after the last item. If None, there are no more
            items to return.
    """

    data: list[Model]
    next_cursor: str | None = None


class ModelProviderCapabilitiesReadParams(Params["ModelProviderCapabilitiesReadResponse"], frozen=True, kw_only=True):
    """Parameters of ``modelProvider/capabilities/read``."""

    METHOD: ClassVar[str] = "modelProvider/capabilities/read"


class ModelProviderCapabilitiesReadResponse(Struct, frozen=True, kw_only=True):
    image_generation: bool
    namespace_tools: bool
    web_search: bool


class ModelReroutedNotification(Struct, frozen=True, kw_only=True):
    from_model: str
    reason: ModelRerouteReason
    thread_id: str
    to_model: str
    turn_id: str


class ModelSafetyBufferingUpdatedNotification(Struct, frozen=True, kw_only=True):
    model: str
    reasons: list[str]
    show_buffering_ui: bool
    thread_id: str
    turn_id: str
    use_cases: list[str]
    faster_model: str | None = None


class ModelServiceTier(Struct, frozen=True, kw_only=True):
    description: str
    id: str
    name: str


class ModelUpgradeInfo(Struct, frozen=True, kw_only=True):
    model: str
    migration_markdown: str | None = None
    model_link: str | None = None
    upgrade_copy: str | None = None


class ModelVerificationNotification(Struct, frozen=True, kw_only=True):
    thread_id: str
    turn_id: str
    verifications: list[ModelVerification]


class ReasoningEffortOption(Struct, frozen=True, kw_only=True):
    description: str
    reasoning_effort: ReasoningEffort
