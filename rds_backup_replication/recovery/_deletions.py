"""The deletion of an instance that a drill has made, and of nothing else."""

from contextlib import suppress

from botocore.exceptions import BotoCoreError, ClientError

from .._botocore.errors import is_transient
from .._context import Context
from .._models._instance import DBInstance
from .._workflows.lookup import is_same_id
from ..exceptions import (
    BackupReplicationError,
    DBInstanceNotFoundFault,
    InvalidDBInstanceStateFault,
)
from ._journal import InstanceProgress, Key
from ._operations import DELETE_INSTANCE
from ._records import CleanupOutcome
from ._run import Run, describe_instance, find_renamed, status_of
from ._settings import run_tags

_POLLS = 40
"""Attempts to delete an instance that RDS still restores or modifies, with a pause in between."""
_CONSISTENCY_POLLS = 10
"""Polls that must show no instance, or an instance without tags, because Describe may be stale."""
_CONSISTENCY_SECONDS = 60.0
"""Time in which all polls must show no instance, however short the pauses are meant to be."""

CleanupResult = tuple[CleanupOutcome, str | None]


class InstanceDeletion:
    """The deletion of one instance of a drill.

    Two proofs are needed: the resource ID that RDS returned when this drill restored the
    instance, and the tag with this drill's ID on the instance as it is now. If the response to the
    restore was lost, the tag of the instance that has the drill's name gives the resource ID.
    """

    def __init__(self, run: Run, key: Key) -> None:
        self._run = run
        self._key = key
        self._progress: InstanceProgress = run.progress.of(key)
        self._has_tried = False

    def delete(self) -> CleanupResult:
        """Delete the instance if there is one; return the outcome and a sentence about it."""
        if self._progress.restore is None and self._progress.dbi_resource_id is None:
            return "absent", None
        if self._progress.is_deleted:
            return "deleted", None
        failure = self._run.failures.get(self._key[:2])
        if failure is not None:
            return "failed", f"{failure}\nRun the cleanup of this drill again."
        try:
            return self._delete(self._run.readers[self._key[:2]].context)
        except (BackupReplicationError, BotoCoreError, ClientError) as error:
            return "failed", f"{error}\nRun the cleanup of this drill again."
        except Exception as error:  # noqa: BLE001  # it must not stop the other deletions
            return "failed", f"{error!r}\nRun the cleanup of this drill again."

    def wait_until_gone(self) -> None:
        """Wait until RDS no longer shows the deleted instance, which counts until then."""
        context = self._run.readers[self._key[:2]].context
        for _ in range(_POLLS):
            if self._run.stopped.is_set():
                return
            try:
                instance = describe_instance(context, self._key[2])
            except (BackupReplicationError, BotoCoreError, ClientError) as error:
                if not is_transient(error):
                    return
            else:
                if instance is None:
                    return
            self._run.wait(context)

    def _delete(self, context: Context) -> CleanupResult:
        absent = without_tags = 0
        for _ in range(_POLLS):
            if self._run.abandoned.is_set():
                break
            try:
                instance = describe_instance(context, self._key[2])
                if instance is None:
                    absent += 1
                    if absent >= _CONSISTENCY_POLLS:
                        return self._find_renamed(context) or self._absent()
                    self._run.wait(context, _CONSISTENCY_SECONDS / _CONSISTENCY_POLLS)
                    continue
                if self._may_lack_tags_yet(instance) and without_tags < _CONSISTENCY_POLLS:
                    without_tags += 1
                elif (result := self._try(context, instance)) is not None:
                    return result
            except Exception as error:
                if not is_transient(error):
                    raise
            self._run.wait(context)
        return (
            "failed",
            "RDS does not delete the instance yet. Run the cleanup of this drill again.",
        )

    def _absent(self) -> CleanupResult:
        """Return that nothing is left, as far as RDS shows."""
        if self._has_tried:  # perhaps an attempt whose response was lost
            return self._note_deleted()
        if not self._progress.is_uncertain:
            return "absent", None
        return "absent", (
            "The response to the restore was lost, and RDS shows no instance. To be sure, run the "
            "cleanup of this drill again in an hour."
        )

    def _may_lack_tags_yet(self, instance: DBInstance) -> bool:
        known = self._progress.dbi_resource_id
        return not instance.tag_list and (
            known is None or is_same_id(instance.dbi_resource_id, known)
        )

    def _find_renamed(self, context: Context) -> CleanupResult | None:
        """Return a failure if the instance, whose name nothing has, exists under another name."""
        instance = find_renamed(self._run, context, self._key)
        if instance is None:
            return None
        return "failed", (
            f"Somebody has renamed the drill's instance {self._key[2]} "
            f"({instance.dbi_resource_id}) to {instance.db_instance_identifier}, so it is left "
            "alone. Ask who needs it, and delete it by hand."
        )

    def _try(self, context: Context, instance: DBInstance) -> CleanupResult | None:
        """Try to delete an instance; return ``None`` if it is worth another try."""
        if problem := self._find_foreign(instance):
            return "failed", problem
        if status_of(instance) == "deleting":
            return "deleted", None
        if instance.deletion_protection:
            return "failed", (
                "Somebody has switched on the deletion protection of the drill's instance. Ask "
                "who needs it; switch it off, and run the cleanup of this drill again."
            )
        arn = self._progress.restore.db_instance_arn if self._progress.restore else ""
        # A full disk must not keep the instance running.
        with suppress(OSError):
            self._run.begin("delete", self._key, arn, dbi_resource_id=instance.dbi_resource_id)
        self._has_tried = True
        self._progress.dbi_resource_id = instance.dbi_resource_id
        try:
            DELETE_INSTANCE.call(
                context,
                db_instance_identifier=self._key[2],
                skip_final_snapshot=True,
                delete_automated_backups=True,
            )
        except DBInstanceNotFoundFault:
            # Perhaps an earlier attempt whose response was lost.
            return self._find_renamed(context) or self._note_deleted()
        except Exception as error:
            with suppress(OSError):
                self._run.end("delete", self._key, instance.dbi_resource_id, error)
            if isinstance(error, InvalidDBInstanceStateFault):
                return None
            raise
        return self._note_deleted()

    def _note_deleted(self) -> CleanupResult:
        self._progress.is_deleted = True
        with suppress(OSError):
            self._run.end("delete", self._key, self._progress.dbi_resource_id)
        return "deleted", None

    def _find_foreign(self, instance: DBInstance) -> str | None:
        """Return why an instance is not this drill's own, or ``None`` if it certainly is."""
        known = self._progress.dbi_resource_id
        who = f"The instance {self._key[2]} ({instance.dbi_resource_id})"
        if not instance.dbi_resource_id:
            return f"{who} has no resource ID, so it is left alone."
        if known is not None and not is_same_id(instance.dbi_resource_id, known):
            return f"{who} is not the one that this drill has made ({known}), and is left alone."
        # A recovery's instances have such tags, too: its journal may have been edited.
        tags = {tag.key: tag.value for tag in instance.tag_list or ()}
        if not run_tags(self._run.run_id, "drill").items() <= tags.items():
            return f"{who} does not have the tag of this drill, and is left alone."
        return None
