"""The recovery book: all that a restore needs and RDS does not keep in a backup."""

import json
from datetime import timedelta
from hashlib import sha256
from typing import Literal

from pydantic import AwareDatetime, Field, ValidationError

from ..exceptions import RecoveryRefusedError
from ..fleet._records import Record
from ._settings import InstanceSettings

FORMAT_VERSION: Literal[1] = 1
HIDDEN_VALUE = "***"
"""Stands for the value of a parameter or an option's setting that may be secret."""


class CapturedParameterGroup(Record, frozen=True):
    """A DB parameter group in a source Region, with the parameters that somebody has changed."""

    account_id: str
    """Account of the group."""
    source_region: str
    """Region of the group."""
    name: str
    """Name of the group."""
    family: str | None = None
    """Family of engine versions, such as ``postgres16``."""
    parameters: dict[str, str] | None = None
    """The changed parameters; ``None`` if they could not be read. The value is ``***`` if the name
    says that it may be secret."""


class CapturedOption(Record, frozen=True):
    """An option of an option group."""

    name: str
    """Name of the option."""
    version: str | None = None
    """Version of the option, for options that have one."""
    port: int | None = None
    """Port of the option, if it has one."""
    settings: dict[str, str] = Field(default_factory=dict)
    """Settings of the option. The value is ``***`` if the name says that it may be secret."""


class CapturedOptionGroup(Record, frozen=True):
    """An option group in a source Region."""

    account_id: str
    """Account of the group."""
    source_region: str
    """Region of the group."""
    name: str
    """Name of the group."""
    engine: str | None = None
    """Engine of the group."""
    major_engine_version: str | None = None
    """Major version of the engine, such as ``16``."""
    options: tuple[CapturedOption, ...] | None = None
    """The options, ordered by name; ``None`` if they could not be read."""


class DrillTarget(Record, frozen=True):
    """What the instance of a drill gets instead of the recovery's settings."""

    db_subnet_group_name: str | None = None
    """DB subnet group of drills; ``None`` if the policy names none."""
    vpc_security_group_ids: tuple[str, ...] = ()
    """VPC security groups of drills; empty if the policy names none."""
    db_instance_class: str | None = None
    """Class of the drill's instance; that of the recovery if ``None``."""


class BookEntry(Record, frozen=True):
    """One instance: what it was like, and what its restore becomes in the destination."""

    account_id: str
    """Account of the instance, and of its replicated backup."""
    source_region: str
    """Region of the instance."""
    destination_region: str
    """Region that keeps the replicated backup, in which the instance is restored."""
    rule: str
    """Name of the policy's rule that applies to the instance."""
    tier: int = 1
    """Order of the recovery; tier 1 comes first."""
    db_instance_arn: str
    """ARN of the instance."""
    db_instance_identifier: str
    """Identifier of the instance."""
    dbi_resource_id: str
    """Resource ID of the instance, by which its backup is recognized."""
    target_db_instance_identifier: str
    """Identifier of the restored instance."""
    captured_at: AwareDatetime
    """Time when the source described the instance. An instance whose Region did not answer keeps
    what an earlier capture has read."""
    is_gone: bool = False
    """Whether the source no longer had the instance at the latest capture. Such an entry is kept
    for as long as RDS may keep its backup, and is restored only if ``only=`` names it."""
    engine: str
    """Database engine."""
    engine_version: str | None = None
    """Version of the engine."""
    allocated_storage: int | None = None
    """Size of the storage in GiB."""
    is_encrypted: bool = False
    """Whether the storage is encrypted, so that a restore needs the key of the backup."""
    endpoint: str | None = None
    """Address of the instance, which the restored instance's address replaces."""
    db_name: str | None = None
    """Name of the initial database."""
    master_username: str | None = None
    """Name of the master user, whose password a restore keeps."""
    master_user_secret_arn: str | None = None
    """ARN of the secret with the master user's password in the source Region, if RDS manages it."""
    source: InstanceSettings
    """The settings of the instance."""
    target: InstanceSettings
    """The settings of the restored instance."""
    drill: DrillTarget = Field(default_factory=DrillTarget)
    """The settings of a drill's instance."""
    rto: timedelta | None = None
    """Recovery time objective of the policy."""
    rpo: timedelta | None = None
    """Recovery point objective of the policy."""
    maximum_lag: timedelta | None = None
    """How old the latest restorable time may be, by the policy's rule."""
    not_restored: tuple[str, ...] = ()
    """What the instance has that a recovery does not restore, such as a directory domain."""
    unread: tuple[str, ...] = ()
    """What could not be read when the entry was captured, each as a sentence."""
    unmapped: tuple[str, ...] = ()
    """What the policy does not say and the restore needs, each as a sentence."""

    @property
    def gaps(self) -> tuple[str, ...]:
        """Return why the entry is not complete, each as a sentence."""
        return (*self.unread, *self.unmapped)

    def sort_key(self) -> tuple[str, str, str, str]:
        """Return the account, source Region, ARN and resource ID.

        An instance that is gone and a new one of its name have the same ARN.
        """
        return self.account_id, self.source_region, self.db_instance_arn, self.dbi_resource_id


class CaptureProblem(Record, frozen=True):
    """An account or Region that the capture could not read."""

    account_id: str | None = None
    """The account; ``None`` if the accounts themselves could not be listed."""
    source_region: str | None = None
    """The Region; ``None`` if the whole account is meant."""
    message: str
    """What could not be read and why, as a sentence."""
    remedy: str
    """What to do, as a sentence."""


class RecoveryBook(Record, frozen=True):
    """What restores of a fleet need, captured while its source Regions were there."""

    version: Literal[1] = FORMAT_VERSION
    """Version of the format."""
    captured_at: AwareDatetime
    """Time of the capture."""
    instances: tuple[BookEntry, ...]
    """The instances, ordered by account, source Region and ARN."""
    parameter_groups: tuple[CapturedParameterGroup, ...] = ()
    """The DB parameter groups of the instances, ordered; default groups are left out."""
    option_groups: tuple[CapturedOptionGroup, ...] = ()
    """The option groups of the instances, ordered; default groups are left out."""
    problems: tuple[CaptureProblem, ...] = ()
    """What the capture could not read."""

    @property
    def content_hash(self) -> str:
        """Return the SHA-256 of the content, which ``to_json`` writes and ``from_json`` checks."""
        content = self.model_dump(mode="json", exclude_none=True)
        return sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()

    @property
    def is_complete(self) -> bool:
        """Return whether the capture could read all that it asked for."""
        return not self.problems and not any(entry.gaps for entry in self.instances)

    def to_json(self) -> str:
        """Return the book as canonical JSON: the same content gives the same text."""
        content = self.model_dump(mode="json", exclude_none=True)
        text = json.dumps({"sha256": self.content_hash, **content}, indent=2, sort_keys=True)
        return f"{text}\n"

    @classmethod
    def from_json(cls, text: str | bytes, *, source: str = "book") -> "RecoveryBook":
        """Read a book from JSON.

        Args:
            text: The book, as ``to_json`` returns it.
            source: Name of the text in error messages.

        Returns:
            The book.

        Raises:
            RecoveryRefusedError: The text is not a recovery book, or is not as a capture wrote it.
        """
        try:
            data = json.loads(text)
            stated = data.pop("sha256")
            version = data.get("version")
        except (ValueError, AttributeError, KeyError, TypeError, RecursionError):
            raise RecoveryRefusedError([f"{source} is not a recovery book."]) from None
        if version != FORMAT_VERSION:
            raise RecoveryRefusedError(
                [
                    (
                        f"{source} has version {version!r} of the format, and this release "
                        f"reads version {FORMAT_VERSION}. Capture the book again with this "
                        "release, or use the release that wrote it."
                    )
                ]
            )
        try:
            book = cls.model_validate(data)
        except ValidationError as error:
            detail = error.errors(include_url=False, include_input=False)[0]
            place = ".".join(map(str, detail["loc"]))
            raise RecoveryRefusedError(
                [f"{source} is not a valid recovery book: {place}: {detail['msg']}."]
            ) from None
        if book.content_hash != stated:
            raise RecoveryRefusedError(
                [
                    (
                        f"{source} has been changed since it was captured: its content does not "
                        "match its hash. Use a copy that nobody has edited, or capture again."
                    )
                ]
            )
        return book
