"""The engine's protocol: account.

Made by scripts/protocol.py from the engine's own schema; do not edit.
"""

from __future__ import annotations

from typing import ClassVar, TypeAlias

from .._base import HostParams, Params, Struct
from .names import (
    AddCreditsNudgeCreditType,
    AddCreditsNudgeEmailStatus,
    AuthMode,
    CancelLoginAccountStatus,
    ChatgptAuthTokensRefreshReason,
    ConsumeAccountRateLimitResetCreditOutcome,
    LoginAppBrand,
    PlanType,
    RateLimitReachedType,
    RateLimitResetCreditStatus,
    RateLimitResetType,
    WorkspaceMessageType,
)
from .shared import UnknownByType


class AccountLoginCompletedNotification(Struct, frozen=True, kw_only=True):
    success: bool
    error: str | None = None
    login_id: str | None = None


class AccountRateLimitsUpdatedNotification(Struct, frozen=True, kw_only=True):
    """Sparse rolling rate-limit update.

    Clients should merge available values into the most recent ``account/rateLimits/read`` response or refetch that
    snapshot. Nullable account metadata may be unavailable in a rolling update and does not clear a previously observed
    value.
    """

    rate_limits: RateLimitSnapshot


class AccountTokenUsageDailyBucket(Struct, frozen=True, kw_only=True):
    start_date: str
    tokens: int


class AccountTokenUsageSummary(Struct, frozen=True, kw_only=True):
    current_streak_days: int | None = None
    lifetime_tokens: int | None = None
    longest_running_turn_sec: int | None = None
    longest_streak_days: int | None = None
    peak_daily_tokens: int | None = None


class AccountUpdatedNotification(Struct, frozen=True, kw_only=True):
    auth_mode: AuthMode | None = None
    plan_type: PlanType | None = None


class AmazonBedrockAccount(Struct, frozen=True, kw_only=True, tag_field="type", tag="amazonBedrock"):
    uses_codex_managed_credentials: bool = False


class AmazonBedrockLoginAccountParams(
    Params["LoginAccountResponse"], frozen=True, kw_only=True, tag_field="type", tag="amazonBedrock"
):
    """[UNSTABLE] Managed Amazon Bedrock login is experimental."""

    METHOD: ClassVar[str] = "account/login/start"
    api_key: str
    region: str


class AmazonBedrockLoginAccountResponse(Struct, frozen=True, kw_only=True, tag_field="type", tag="amazonBedrock"):
    pass


class ApiKeyAccount(Struct, frozen=True, kw_only=True, tag_field="type", tag="apiKey"):
    pass


class ApiKeyLoginAccountParams(
    Params["LoginAccountResponse"], frozen=True, kw_only=True, tag_field="type", tag="apiKey"
):
    """Parameters of ``account/login/start``."""

    METHOD: ClassVar[str] = "account/login/start"
    api_key: str


class ApiKeyLoginAccountResponse(Struct, frozen=True, kw_only=True, tag_field="type", tag="apiKey"):
    pass


class CancelLoginAccountParams(Params["CancelLoginAccountResponse"], frozen=True, kw_only=True):
    """Parameters of ``account/login/cancel``."""

    METHOD: ClassVar[str] = "account/login/cancel"
    login_id: str


class CancelLoginAccountResponse(Struct, frozen=True, kw_only=True):
    status: CancelLoginAccountStatus


class ChatgptAccount(Struct, frozen=True, kw_only=True, tag_field="type", tag="chatgpt"):
    email: str | None
    plan_type: PlanType


class ChatgptAuthTokensLoginAccountParams(
    Params["LoginAccountResponse"], frozen=True, kw_only=True, tag_field="type", tag="chatgptAuthTokens"
):
    """[UNSTABLE] FOR OPENAI INTERNAL USE ONLY - DO NOT USE. The access token must contain the same scopes that
    Codex-managed ChatGPT auth tokens have.

    Attributes:
        access_token: Access token (JWT) supplied by the client. This token is used for backend API requests and email
            extraction.
        chatgpt_account_id: Workspace/account identifier supplied by the client.
        chatgpt_plan_type: Optional plan type supplied by the client. When ``null``, Codex attempts to derive the plan
            type from access-token claims. If unavailable, the plan defaults to ``unknown``.
    """

    METHOD: ClassVar[str] = "account/login/start"
    access_token: str
    chatgpt_account_id: str
    chatgpt_plan_type: str | None = None


class ChatgptAuthTokensLoginAccountResponse(
    Struct, frozen=True, kw_only=True, tag_field="type", tag="chatgptAuthTokens"
):
    pass


class ChatgptAuthTokensRefreshParams(HostParams["ChatgptAuthTokensRefreshResponse"], frozen=True, kw_only=True):
    """Parameters of ``account/chatgptAuthTokens/refresh``.

    Attributes:
        previous_account_id: Workspace/account identifier that Codex was previously using. Clients that manage multiple
            accounts/workspaces can use this as a hint to refresh the token for the correct workspace. This may be
            ``null`` when the prior auth state did not include a workspace identifier (``chatgpt_account_id``).
    """

    METHOD: ClassVar[str] = "account/chatgptAuthTokens/refresh"
    reason: ChatgptAuthTokensRefreshReason
    previous_account_id: str | None = None


class ChatgptAuthTokensRefreshResponse(Struct, frozen=True, kw_only=True):
    access_token: str
    chatgpt_account_id: str
    chatgpt_plan_type: str | None = None


class ChatgptDeviceCodeLoginAccountParams(
    Params["LoginAccountResponse"], frozen=True, kw_only=True, tag_field="type", tag="chatgptDeviceCode"
):
    """Parameters of ``account/login/start``."""

    METHOD: ClassVar[str] = "account/login/start"


class ChatgptDeviceCodeLoginAccountResponse(
    Struct, frozen=True, kw_only=True, tag_field="type", tag="chatgptDeviceCode"
):
    """
    Attributes:
        user_code: One-time code the user must enter after signing in.
        verification_url: URL the client should open in a browser to complete device code authorization.
    """

    login_id: str
    user_code: str
    verification_url: str


class ChatgptLoginAccountParams(
    Params["LoginAccountResponse"], frozen=True, kw_only=True, tag_field="type", tag="chatgpt"
):
    """Parameters of ``account/login/start``."""

    METHOD: ClassVar[str] = "account/login/start"
    app_brand: LoginAppBrand | None = None
    codex_streamlined_login: bool | None = None
    use_hosted_login_success_page: bool | None = None


class ChatgptLoginAccountResponse(Struct, frozen=True, kw_only=True, tag_field="type", tag="chatgpt"):
    """
    Attributes:
        auth_url: URL the client should open in a browser to initiate the OAuth flow.
    """

    auth_url: str
    login_id: str


class ConsumeAccountRateLimitResetCreditParams(
    Params["ConsumeAccountRateLimitResetCreditResponse"], frozen=True, kw_only=True
):
    """Parameters of ``account/rateLimitResetCredit/consume``.

    Attributes:
        idempotency_key: Identifies one logical reset attempt. A UUID is recommended; reuse the same value when retrying
            that attempt.
        credit_id: Opaque reset-credit identifier to redeem. When omitted, the backend selects the next available
            credit.
    """

    METHOD: ClassVar[str] = "account/rateLimitResetCredit/consume"
    idempotency_key: str
    credit_id: str | None = None


class ConsumeAccountRateLimitResetCreditResponse(Struct, frozen=True, kw_only=True):
    outcome: ConsumeAccountRateLimitResetCreditOutcome


class CreditsSnapshot(Struct, frozen=True, kw_only=True):
    has_credits: bool
    unlimited: bool
    balance: str | None = None


class GetAccountParams(Params["GetAccountResponse"], frozen=True, kw_only=True):
    """Parameters of ``account/read``.

    Attributes:
        refresh_token: When ``true``, requests a proactive token refresh before returning. In managed auth mode this
            triggers the normal refresh-token flow. In external auth mode this flag is ignored. Clients should refresh
            tokens themselves and call ``account/login/start`` with ``chatgptAuthTokens``.
    """

    METHOD: ClassVar[str] = "account/read"
    refresh_token: bool | None = None


class GetAccountRateLimitsParams(Params["GetAccountRateLimitsResponse"], frozen=True, kw_only=True):
    """``account/rateLimits/read`` has no parameters."""

    METHOD: ClassVar[str] = "account/rateLimits/read"
    WITHOUT: ClassVar[bool] = True


class GetAccountRateLimitsResponse(Struct, frozen=True, kw_only=True):
    """
    Attributes:
        rate_limits: Backward-compatible single-bucket view; mirrors the historical payload.
        rate_limits_by_limit_id: Multi-bucket view keyed by metered ``limit_id`` (for example, ``codex``).
    """

    rate_limits: RateLimitSnapshot
    rate_limit_reset_credits: RateLimitResetCreditsSummary | None = None
    rate_limits_by_limit_id: dict[str, RateLimitSnapshot] | None = None


class GetAccountResponse(Struct, frozen=True, kw_only=True):
    requires_openai_auth: bool
    account: Account | None = None


class GetAccountTokenUsageParams(Params["GetAccountTokenUsageResponse"], frozen=True, kw_only=True):
    """``account/usage/read`` has no parameters."""

    METHOD: ClassVar[str] = "account/usage/read"
    WITHOUT: ClassVar[bool] = True


class GetAccountTokenUsageResponse(Struct, frozen=True, kw_only=True):
    summary: AccountTokenUsageSummary
    daily_usage_buckets: list[AccountTokenUsageDailyBucket] | None = None


class GetAuthStatusParams(Params["GetAuthStatusResponse"], frozen=True, kw_only=True):
    """Parameters of ``getAuthStatus``."""

    METHOD: ClassVar[str] = "getAuthStatus"
    include_token: bool | None = None
    refresh_token: bool | None = None


class GetAuthStatusResponse(Struct, frozen=True, kw_only=True):
    auth_method: AuthMode | None = None
    auth_token: str | None = None
    requires_openai_auth: bool | None = None


class GetWorkspaceMessagesParams(Params["GetWorkspaceMessagesResponse"], frozen=True, kw_only=True):
    """``account/workspaceMessages/read`` has no parameters."""

    METHOD: ClassVar[str] = "account/workspaceMessages/read"
    WITHOUT: ClassVar[bool] = True


class GetWorkspaceMessagesResponse(Struct, frozen=True, kw_only=True):
    """
    Attributes:
        feature_enabled: Whether the workspace-message backend route is available for this client.
        messages: Active workspace messages returned by the backend.
    """

    feature_enabled: bool
    messages: list[WorkspaceMessage]


class LogoutAccountParams(Params["LogoutAccountResponse"], frozen=True, kw_only=True):
    """``account/logout`` has no parameters."""

    METHOD: ClassVar[str] = "account/logout"
    WITHOUT: ClassVar[bool] = True


class LogoutAccountResponse(Struct, frozen=True, kw_only=True):
    pass


class RateLimitResetCredit(Struct, frozen=True, kw_only=True):
    """
    Attributes:
        granted_at: Unix timestamp in seconds when the credit was granted.
        id: Opaque backend identifier for this reset credit.
        description: Backend-provided display description for this credit, or ``null`` when unavailable.
        expires_at: Unix timestamp in seconds when the credit expires, or ``null`` if it does not expire.
        title: Backend-provided display title for this credit, or ``null`` when unavailable.
    """

    granted_at: int
    id: str
    reset_type: RateLimitResetType
    status: RateLimitResetCreditStatus
    description: str | None = None
    expires_at: int | None = None
    title: str | None = None


class RateLimitResetCreditsSummary(Struct, frozen=True, kw_only=True):
    """
    Attributes:
        credits: Detail rows for available reset credits, when the backend provides them. ``null`` means only
            ``availableCount`` is known, while an empty array means details were fetched and no available credits were
            returned. The backend may cap this list, so its length can be less than ``availableCount``.
    """

    available_count: int
    credits: list[RateLimitResetCredit] | None = None


class RateLimitSnapshot(Struct, frozen=True, kw_only=True):
    """
    Attributes:
        spend_control_reached: Backend-reported spend-control state. ``None`` is unavailable, not a sparse-update
            recovery.
    """

    credits: CreditsSnapshot | None = None
    individual_limit: SpendControlLimitSnapshot | None = None
    limit_id: str | None = None
    limit_name: str | None = None
    plan_type: PlanType | None = None
    primary: RateLimitWindow | None = None
    rate_limit_reached_type: RateLimitReachedType | None = None
    secondary: RateLimitWindow | None = None
    spend_control_reached: bool | None = None


class RateLimitWindow(Struct, frozen=True, kw_only=True):
    used_percent: int
    resets_at: int | None = None
    window_duration_mins: int | None = None


class SendAddCreditsNudgeEmailParams(Params["SendAddCreditsNudgeEmailResponse"], frozen=True, kw_only=True):
    """Parameters of ``account/sendAddCreditsNudgeEmail``."""

    METHOD: ClassVar[str] = "account/sendAddCreditsNudgeEmail"
    credit_type: AddCreditsNudgeCreditType


class SendAddCreditsNudgeEmailResponse(Struct, frozen=True, kw_only=True):
    status: AddCreditsNudgeEmailStatus


class SpendControlLimitSnapshot(Struct, frozen=True, kw_only=True):
    limit: str
    remaining_percent: int
    resets_at: int
    used: str


class WorkspaceMessage(Struct, frozen=True, kw_only=True):
    """
    Attributes:
        archived_at: Unix timestamp (in seconds) when the message was archived.
        created_at: Unix timestamp (in seconds) when the message was created.
    """

    message_body: str
    message_id: str
    message_type: WorkspaceMessageType
    archived_at: int | None = None
    created_at: int | None = None


Account: TypeAlias = ApiKeyAccount | ChatgptAccount | AmazonBedrockAccount | UnknownByType


LoginAccountParams: TypeAlias = (
    ApiKeyLoginAccountParams
    | ChatgptLoginAccountParams
    | ChatgptDeviceCodeLoginAccountParams
    | ChatgptAuthTokensLoginAccountParams
    | AmazonBedrockLoginAccountParams
    | UnknownByType
)


LoginAccountResponse: TypeAlias = (
    ApiKeyLoginAccountResponse
    | ChatgptLoginAccountResponse
    | ChatgptDeviceCodeLoginAccountResponse
    | ChatgptAuthTokensLoginAccountResponse
    | AmazonBedrockLoginAccountResponse
    | UnknownByType
)
