"""Every setting of a server, in one model. A field's description is its documentation: ``--print-config`` shows it,
``examples/deploy/paidan.toml`` and docs/operations.md are held against it.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from adapters.log.schemas import checked
from adapters.settings.defaults import DEFAULT_SERVER, DEFAULT_WORKSPACE
from adapters.settings.limits import Limits
from adapters.settings.secrets import checked_secrets

REHEARSAL = "rehearsal-"
"""How a workspace is called in which the clock may be driven."""
OFF = ("off", "none")
"""For ``nats``: publish nothing."""

_HOST_AND_PORT = re.compile(r"(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+):(\d{1,5})")
_NATS = re.compile(r"(nats|tls|ws|wss)://[^\s,]+")
_OTLP = re.compile(r"(https?://)?[^\s/@]+(:\d+)?(/\S*)?")


def _address(value: str) -> str:
    found = _HOST_AND_PORT.fullmatch(value)
    if not found or int(found[2]) > 65_535:
        raise ValueError(f"Expected HOST:PORT such as {DEFAULT_SERVER}, but got {value!r}")
    return value


def _address_or_none(value: str) -> str:
    return _address(value) if value else value


def _nats(value: str) -> str:
    if value and value not in OFF and not all(_NATS.fullmatch(url) for url in value.split(",")):
        raise ValueError("Expected URLs such as nats://127.0.0.1:4222, or off, but it is neither")
    return value


def _otlp(value: str) -> str:
    if value and not _OTLP.fullmatch(value):
        raise ValueError("Expected an OTLP/gRPC endpoint such as http://127.0.0.1:4317, but it is none")
    return value


def _one_line(value: str) -> str:
    if not value.isprintable():
        raise ValueError("Expected one line of printable characters, but there are others in it")
    return value


def _path(value: Path) -> Path:
    _one_line(str(value))
    return value


class Settings(BaseSettings):
    """All of it. Sources are put together by ``adapters.settings.sources``; the model itself reads nothing."""

    model_config = SettingsConfigDict(
        frozen=True,
        extra="forbid",
        env_prefix="PAIDAN_",
        env_nested_delimiter="__",
        env_ignore_empty=True,
        allow_inf_nan=False,
    )

    listen: Annotated[str, AfterValidator(_address)] = Field(
        DEFAULT_SERVER, description="gRPC address; an importer on its own asks the server there."
    )
    data: Annotated[Path, AfterValidator(_path)] = Field(
        Path(".paidan"), description="Directory for the spool and whatever is embedded."
    )
    postgres: Annotated[str, AfterValidator(_one_line)] = Field(
        "", description="PostgreSQL to use, as URL or DSN. Empty: an embedded one."
    )
    nats: Annotated[str, AfterValidator(_one_line), AfterValidator(_nats)] = Field(
        "", description="NATS to publish to, URLs by comma; off: none. Empty: an embedded one."
    )
    workspace: Annotated[str, AfterValidator(checked)] = Field(DEFAULT_WORKSPACE, description="Workspace to serve.")
    metrics: Annotated[str, AfterValidator(_address_or_none)] = Field(
        "", description="HOST:PORT for Prometheus, /healthz and /readyz. Empty: none."
    )
    otlp: Annotated[str, AfterValidator(_otlp)] = Field(
        "", description="OTLP/gRPC endpoint that traces go to. Empty: nothing is traced."
    )
    nats_keep_s: float = Field(
        7 * 86_400.0, ge=0, description="The stream keeps facts this long; 0: no limit. The log keeps them for ever."
    )
    nats_bytes: int = Field(
        4 * 1024**3,
        ge=-1,
        description="The stream drops its oldest facts beyond this; -1: no limit. NATS sets it aside.",
    )
    nats_replicas: Literal[1, 3, 5] = Field(1, description="Copies of the stream; more than 1 needs a NATS cluster.")
    log_format: Literal["auto", "console", "json"] = Field(
        "auto", description="Of the lines on stderr; auto: console on a terminal, JSON elsewhere."
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="The least that is written.")
    ready_lag_s: float = Field(
        30.0, gt=0, le=86_400, description="Views that show the workspace as it was longer ago are not ready."
    )
    clock: Literal["wall", "driven"] = Field(
        "wall",
        description="driven: it is as late as callers say, which is for rehearsals and tests; only in a workspace whose"
        " name begins with rehearsal-.",
    )
    secrets: Annotated[dict[str, str], BeforeValidator(checked_secrets)] = Field(
        {},
        repr=False,
        description="Secrets that sign calls to the outside, by the names that rules use; whsec_ and base64.",
    )
    limits: Limits = Field(default_factory=Limits, description="See docs/limits.md.")

    @field_validator("clock")
    @classmethod
    def _rehearsed(cls, value: str, info: ValidationInfo) -> str:
        workspace = str(info.data.get("workspace", ""))
        if value == "driven" and not workspace.startswith(REHEARSAL):
            told = f"Expected a workspace called {REHEARSAL}… where callers drive the clock, but it is {workspace!r}"
            raise ValueError(f"{told}; leave the clock alone")
        return value

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003 - the base class hands it over by name
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Only what it is given."""
        return (init_settings,)

    @property
    def publishes(self) -> bool:
        """Whether events go to NATS at all."""
        return self.nats not in OFF

    @property
    def spool(self) -> Path:
        """Directory for lists that come in."""
        return self.data / "spool" / self.workspace
