"""The restore of one instance: request, wait, settings, and the comparison with the book."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from .._botocore.errors import is_transient
from .._context import Context
from .._models._instance import DBInstance
from .._restore import RESTORE
from .._workflows.lookup import is_same_id
from ..exceptions import (
    BackupReplicationError,
    DBInstanceAlreadyExistsFault,
    InvalidDBInstanceStateFault,
    ServiceError,
)
from ._comparison import compare_settings
from ._journal import InstanceProgress, Restored, now
from ._operations import MODIFY
from ._records import Outcome, RestoredInstance
from ._remedies import explain_taken_name, may_have_restored, remedy_for
from ._restore_target import RestoreError, Target, build_restore, find_backup, latest_time
from ._run import FAILED_STATUSES, Run, StoppedError, describe_instance, find_renamed, status_of
from ._settings import modify_keywords, run_of, run_tags

_CONSISTENCY_POLLS = 10
"""Polls after which the client trusts a response that lacks a change or the tags."""
_CLOCK_TOLERANCE = timedelta(minutes=5)


class InstanceRestore:
    """The restore of one instance, which goes on where an earlier run has stopped."""

    def __init__(
        self, run: Run, target: Target, report: Callable[[RestoredInstance], object]
    ) -> None:
        self._run, self._target, self._report = run, target, report
        self._progress: InstanceProgress = run.progress.of(target.key)
        self._facts: dict[str, Any] = {}
        self._deadline = 0.0
        self._began: tuple[float, Context] | None = None

    def restore(self) -> RestoredInstance:
        """Restore the instance, and return its record, whatever happens."""
        self._run.requests.restart()
        try:
            record = self._restore()
        except StoppedError:
            record = self._record("not_finished" if self._progress.restore else "not_attempted")
        except Exception as error:  # noqa: BLE001  # it must not stop the other instances
            record = self._failed(error)
        self._report(record)
        if record.outcome in ("done", "failed"):
            self._run.write(Restored(at=now(), instance=record))
        return record

    def confirm(self, earlier: RestoredInstance) -> RestoredInstance:
        """Return the record of an instance that is done, if the instance still exists."""
        try:
            instance = self._find_own(self._context())
        except Exception as error:  # noqa: BLE001  # as in a restore
            return earlier if isinstance(error, StoppedError) else self._failed(error)
        endpoint = instance.endpoint if instance else None
        update = {"new_endpoint": endpoint.address, "new_port": endpoint.port} if endpoint else {}
        return earlier.model_copy(update=update)

    def plan(self) -> RestoredInstance:
        """Return the record of what ``restore`` would do now, and change nothing."""
        target = self._target
        try:
            self._find_own(self._context())
            backup = find_backup(self._run.readers[target.place].listed, target)
        except Exception as error:  # noqa: BLE001  # as in a restore
            return self._failed(error)
        return self._record(
            "planned",
            db_instance_automated_backups_arn=backup.db_instance_automated_backups_arn,
            restore_time=target.restore_time or latest_time(backup),
        )

    def _record(self, outcome: Outcome, **facts: Any) -> RestoredInstance:
        facts = {**self._facts, "request_ids": tuple(self._run.requests.request_ids), **facts}
        return self._target.record(outcome, **facts)

    def _failed(self, error: Exception) -> RestoredInstance:
        known = (RestoreError, BackupReplicationError, BotoCoreError, ClientError)
        message = str(error) if isinstance(error, known) else repr(error)
        if isinstance(error, ServiceError):
            message = f"{message}\n{remedy_for(error)}".strip()
            return self._record("failed", message=message, error_code=error.code)
        return self._record("failed", message=message)

    def _restore(self) -> RestoredInstance:
        self._run.check_stopped()
        context = self._context()
        self._require_own_journal()
        self._deadline = context.clock.monotonic() + self._run.timeout.total_seconds()
        instance = self._find_own(context)
        if instance is None:
            if renamed := find_renamed(self._run, context, self._target.key):
                raise RestoreError(
                    f"This run has restored {self._target.identifier}, and somebody has renamed "
                    f"it to {renamed.db_instance_identifier} ({renamed.dbi_resource_id}). If it "
                    "should be restored again, use a new journal, for this instance alone."
                )
            instance = self._request(context)
        else:
            begun = self._progress.restore
            at = begun.at if begun else now()
            self._begin(context, at, context.clock.monotonic() - (now() - at).total_seconds())
            self._facts["restore_time"] = begun and begun.restore_time
            self._facts["db_instance_automated_backups_arn"] = begun and begun.backup_arn
        self._note(instance)
        self._report(self._record("not_finished", message="RDS is restoring the instance."))
        instance = self._wait_until_available(context, instance)
        self._facts["available_after"] = self.elapsed()
        self._report(self._record("not_finished", message="RDS has restored the instance."))
        return self._apply_settings(context, instance)

    def _context(self) -> Context:
        """Return the context of the destination, or raise why it cannot be called."""
        if failure := self._run.failures.get(self._target.place):
            raise failure
        return self._run.readers[self._target.place].context

    def _begin(self, context: Context, at: datetime, monotonic: float) -> None:
        self._began = monotonic, context
        self._facts["begun_at"] = at

    def elapsed(self) -> timedelta:
        """Return the time since the restore request."""
        assert self._began is not None  # noqa: S101  # for type checkers
        began, context = self._began
        return timedelta(seconds=max(0.0, context.clock.monotonic() - began))

    def _pause(self, context: Context) -> None:
        if context.clock.monotonic() > self._deadline:
            raise RestoreError(
                f"The restore is not finished after {self._run.timeout}, and RDS may go on with "
                "it. Run this again to wait longer."
            )
        self._run.pause(context, self._run.poll_interval)

    def _find_own(self, context: Context) -> DBInstance | None:
        """Return the instance if this run has made it; ``None`` if its name is free.

        Raises:
            RestoreError: Something else has the name, or the instance of this run is gone.
        """
        progress, target = self._progress, self._target
        for _ in range(_CONSISTENCY_POLLS):
            instance = self._describe_name(context)
            if instance is None:
                break
            if self._is_own(instance):
                if progress.dbi_resource_id is None:
                    self._accepted(instance)
                return instance
            if not self._may_lack_tags_yet(instance):
                whose, remedy = explain_taken_name(instance)
                raise RestoreError(
                    f"The name {target.identifier} is taken in {target.entry.destination_region} "
                    f"by an instance that this run has not made ({instance.dbi_resource_id})"
                    f"{whose}. Nothing of it is touched. {remedy}"
                )
            self._pause(context)
        else:
            raise RestoreError(
                f"The instance {target.identifier} does not show the tag of this run, so it may "
                "be somebody else's. Check who made it, and run this again."
            )
        if progress.dbi_resource_id is not None:
            raise RestoreError(
                f"The instance that this run restored as {target.identifier} "
                f"({progress.dbi_resource_id}) no longer exists under this name. If it should "
                "be restored again, use a new journal, for this instance alone."
            )
        return None

    def _require_own_journal(self) -> None:
        """Raise a ``RestoreError`` if the journal has another instance under this name."""
        begun = self._progress.restore
        if begun and begun.db_instance_arn != self._target.entry.db_instance_arn:
            raise RestoreError(
                f"This run has restored {begun.db_instance_arn} as {self._target.identifier}. Set "
                "another recovery.name in the policy, retarget the book, and use a new journal."
            )

    def _describe_name(self, context: Context) -> DBInstance | None:
        """Return the instance that has the name, as soon as RDS responds."""
        while True:
            try:
                return describe_instance(context, self._target.identifier)
            except Exception as error:
                if self._run.journal is None or not is_transient(error):  # a plan does not wait
                    raise
            self._pause(context)

    def _is_own(self, instance: DBInstance) -> bool:
        progress = self._progress
        if progress.dbi_resource_id is not None:
            return is_same_id(instance.dbi_resource_id, progress.dbi_resource_id)
        # A restore whose response was lost: only the tag proves it, by an ID that nobody can guess.
        return progress.restore is not None and run_of(instance) == self._run.run_id

    def _may_lack_tags_yet(self, instance: DBInstance) -> bool:
        """Return whether the tags of a restore whose response was lost may not be visible yet."""
        begun, created = self._progress.restore, instance.instance_create_time
        return (
            begun is not None
            and self._progress.dbi_resource_id is None
            and not instance.tag_list
            and (created is None or created >= begun.at - _CLOCK_TOLERANCE)
        )

    def _request(self, context: Context) -> DBInstance:
        """Send the restore until RDS accepts or refuses it; return the new instance."""
        target = self._target
        backup = find_backup(
            self._run.list_backups(target.place, target.entry.dbi_resource_id), target
        )
        arn = backup.db_instance_automated_backups_arn
        tags = run_tags(self._run.run_id, self._run.progress.header.kind)
        request = build_restore(context, target, backup, tags)
        moment = target.restore_time or latest_time(backup)
        self._begin(context, now(), context.clock.monotonic())
        self._facts |= {"restore_time": moment, "db_instance_automated_backups_arn": arn}
        while True:
            self._run.check_stopped()
            line = self._run.begin(
                *("restore", target.key, target.entry.db_instance_arn),
                backup_arn=arn,
                restore_time=moment,
            )
            was_uncertain = self._progress.is_uncertain
            self._progress.restore, self._progress.is_uncertain = line, True
            try:
                instance = RESTORE.send(context, request)
            except Exception as error:  # noqa: BLE001  # _find_after raises what is final
                own = self._find_after(context, error, was_uncertain=was_uncertain)
                if own is None:
                    continue
                instance = own
            self._accepted(instance)
            self._facts["restored_after"] = self.elapsed()
            return instance

    def _find_after(
        self, context: Context, error: Exception, *, was_uncertain: bool
    ) -> DBInstance | None:
        """Return the instance if an attempt has taken effect that seems to have failed.

        Return ``None`` if the restore should be sent again, or raise the error.
        """
        if is_transient(error):
            self._pause(context)
            return self._find_own(context)
        is_taken = isinstance(error, DBInstanceAlreadyExistsFault)
        if not (is_taken or was_uncertain or may_have_restored(error)):
            self._refused(error)
            raise error
        for _ in range(_CONSISTENCY_POLLS if is_taken else 1):
            if own := self._find_own(context):
                return own
            if is_taken:
                self._pause(context)
        raise error

    def _refused(self, error: Exception) -> None:
        """Note that RDS certainly has not restored the instance."""
        self._progress.restore, self._progress.is_uncertain = None, False
        self._run.end("restore", self._target.key, None, error)

    def _accepted(self, instance: DBInstance) -> None:
        """Note that RDS restores the instance."""
        self._progress.dbi_resource_id = instance.dbi_resource_id
        self._progress.is_uncertain = False
        self._run.end("restore", self._target.key, instance.dbi_resource_id)

    def _note(self, instance: DBInstance) -> None:
        endpoint = instance.endpoint
        self._facts |= {
            "restored_dbi_resource_id": instance.dbi_resource_id,
            "restored_db_instance_arn": instance.db_instance_arn,
            "new_endpoint": endpoint.address if endpoint else None,
            "new_port": endpoint.port if endpoint else None,
        }

    def _describe(self, context: Context) -> DBInstance | None:
        """Return the restored instance; ``None`` if no response came, or it is not shown yet.

        Raises:
            RestoreError: Another instance has the name now, or RDS could not restore this one.
        """
        try:
            instance = describe_instance(context, self._target.identifier)
        except Exception as error:
            if is_transient(error):
                return None
            raise
        if instance is None:
            return None
        if not is_same_id(instance.dbi_resource_id, self._progress.dbi_resource_id):
            raise RestoreError(
                f"Another instance has the name {self._target.identifier} now "
                f"({instance.dbi_resource_id}). Somebody has replaced the restored one."
            )
        if status_of(instance) in FAILED_STATUSES:
            raise RestoreError(
                f"The restored instance is {status_of(instance)}. Check its events in RDS; "
                "delete it, and restore it alone, with a new journal."
            )
        return instance

    def _wait_until_available(self, context: Context, instance: DBInstance) -> DBInstance:
        while True:
            self._note(instance)
            if status_of(instance) == "available" and instance.endpoint is not None:
                return instance
            instance = self._poll(context)

    def _poll(self, context: Context) -> DBInstance:
        """Pause, and return the restored instance as soon as a response shows it.

        Raises:
            RestoreError: As from ``_describe``, or the instance no longer exists.
        """
        absent = 0
        while True:
            self._pause(context)
            if (found := self._describe(context)) is not None:
                return found
            absent += 1
            if absent > _CONSISTENCY_POLLS and self._describe_name(context) is None:
                raise RestoreError(
                    "The restored instance no longer exists: somebody has deleted or renamed it. "
                    "If it should be restored again, use a new journal, for this instance "
                    "alone."
                )

    def _apply_settings(self, context: Context, instance: DBInstance) -> RestoredInstance:
        """Change what a restore cannot take, and compare all settings with the book."""
        wanted = self._target.settings
        found = compare_settings(wanted, instance)
        refusal: ServiceError | None = None
        if keywords := modify_keywords(wanted, found.actual, found.names):
            try:
                self._modify(context, keywords)
            except ServiceError as error:
                refusal = error
        if found.differences and refusal is None:
            instance = self._wait_for_settings(context)
            found = compare_settings(wanted, instance)
        self._note(instance)
        facts: dict[str, Any] = {
            "differences": found.differences,
            "verified": found.verified,
            "finished_after": self.elapsed(),
        }
        if not found.differences:
            return self._record("done", **facts)
        message = found.explain(self._target.identifier)
        if refusal is not None:
            facts["error_code"] = refusal.code
            message = f"{message}\nRDS refuses to change them: {refusal}\n{remedy_for(refusal)}"
        return self._record("failed", message=message.strip(), **facts)

    def _modify(self, context: Context, keywords: dict[str, Any]) -> None:
        """Send ModifyDBInstance until RDS accepts or refuses it."""
        self._run.check_stopped()
        key, resource_id = self._target.key, self._progress.dbi_resource_id
        arn = self._target.entry.db_instance_arn
        self._run.begin("modify", key, arn, dbi_resource_id=resource_id)
        while True:
            try:
                MODIFY.call(context, db_instance_identifier=self._target.identifier, **keywords)
                break
            except Exception as error:
                if not (is_transient(error) or isinstance(error, InvalidDBInstanceStateFault)):
                    self._run.end("modify", key, None, error)
                    raise
                self._poll(context)  # raises an error if another instance has the name now
        self._run.end("modify", key, resource_id)

    def _wait_for_settings(self, context: Context) -> DBInstance:
        """Wait until RDS shows the settings, or does not come closer to them."""
        polls = 0
        while True:
            found = self._poll(context)
            is_available = status_of(found) == "available"
            # An available instance proves nothing: RDS may not have begun to modify it yet.
            if is_available and not compare_settings(self._target.settings, found).differences:
                return found
            polls = polls + 1 if is_available else 0
            if polls >= _CONSISTENCY_POLLS:
                return found
