"""Asks rules and keeps findings in step: opened, closed by themselves, opened again, never rewritten idly.

What all rules find is laid in one temporary table and compared with the findings at once. A finding that is
found again unchanged is not written: it was last seen when its rule was last asked, which its setting says
(`RuleSetting.evaluated_at`). Only what opens, changes or closes carries a moment of its own.
"""

import time
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from accounts.models.entitlement import ADMIN_WINDOW, WINDOW
from portal import moment
from portal.audit.services import PORTAL, Actor, record
from portal.audit.verbs import Verb
from reviews.models import Acceptance, Evaluation, Finding, RuleSetting, Severity
from reviews.rules import RULES, groundwork, locks, merging, settings
from reviews.rules.rule import STEPS, Rule

Trigger = Evaluation.Trigger

FOUND = """
CREATE TEMP TABLE rule_found (
  rule varchar(8), subject_type varchar(40), subject_id varchar(36), discriminator varchar(200),
  identity_id uuid, system_id uuid, is_human boolean, is_privileged boolean, weight smallint, facts jsonb,
  rule_version int) ON COMMIT DROP
"""
INTO = """
INSERT INTO rule_found
SELECT %(_rule)s, r.subject_type, r.subject_id, r.discriminator, r.identity_id, r.system_id, r.is_human,
  r.privileged IS TRUE,
  least(%(_most)s, %(_base)s + (r.privileged IS TRUE)::int + (r.production IS TRUE)::int),
  jsonb_strip_nulls(r.facts), %(_version)s
FROM ({query}) AS r (subject_type, subject_id, discriminator, identity_id, system_id, is_human, privileged,
  production, facts)
"""


def evaluate(
    codes: Collection[str] | None = None,
    *,
    trigger: Evaluation.Trigger,
    actor: Actor = PORTAL,
    at: datetime | None = None,
) -> Evaluation:
    """Ask these rules, or all, and write what follows; one event says how much, by count and digest.

    A rule that is switched off finds nothing, so its findings close and say so; likewise those of a rule that
    is no longer known.
    """
    at, began = at or moment.now(), time.monotonic()
    with transaction.atomic():
        locks.asking()
        _prepare()
        kept = settings.all_kept()
        asked = sorted(set(RULES if codes is None else codes))
        present = _lay(asked, kept, at)
        locks.writing()
        off = [code for code in asked if not kept[code].is_on]
        done = merging.merge(asked, off=off, with_unknown=codes is None, present=present, at=at)
        evaluation = Evaluation.objects.create(
            trigger=trigger,
            at=at,
            milliseconds=round((time.monotonic() - began) * 1000),
            rules=len(asked),
            present=done.present,
            counts=done.counts,
            digest=done.digest,
        )
        RuleSetting.objects.filter(code__in=asked).update(evaluated_at=at)
        _record(evaluation, done, asked, actor)
        _clear()
    merging.count_open()
    return evaluation


def _prepare() -> None:
    """For this transaction: statements that run once, over many rows, gain from memory and not from a JIT.

    A rough idea of the tables that are laid for one evaluation is enough.
    """
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL jit = off")
        cursor.execute("SET LOCAL default_statistics_target = 20")
        cursor.execute("SET LOCAL work_mem = '64MB'")


def _lay(asked: list[str], kept: Mapping[str, RuleSetting], at: datetime) -> int:
    """What the rules find, in `rule_found`; returns how much that is."""
    told: dict[str, Any] = {
        "at": at,
        "today": timezone.localtime(at).date(),
        "admin_window": ADMIN_WINDOW,
        "window": WINDOW,
    }
    groundwork.lay(told)
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS rule_found")
        cursor.execute(FOUND)
        present = 0
        for code in asked:
            if kept[code].is_on:
                cursor.execute(INTO.format(query=RULES[code].sql), told | _own(RULES[code], kept[code]))
                present += cursor.rowcount
        cursor.execute("ANALYZE rule_found (rule, subject_type)")
    return present


def _own(rule: Rule, kept: RuleSetting) -> dict[str, Any]:
    """The parameters of one rule: thresholds, base severity and version."""
    base = STEPS.index(Severity(kept.severity))
    # Beginning with a line, so that no threshold is called the same.
    own = {"_rule": rule.code, "_base": base, "_most": len(STEPS) - 1, "_version": kept.version}
    return rule.current(kept.thresholds) | own


def _record(evaluation: Evaluation, done: merging.Done, asked: list[str], actor: Actor) -> None:
    facts = {
        "trigger": evaluation.trigger,
        "rules": asked,
        "present": done.present,
        "counts": done.counts,
        "by_rule": done.by_rule,
        "changed_digest": done.digest,
    }
    record(Verb.RULE_EVALUATED, evaluation, actor=actor, at=evaluation.at, facts=facts)
    over = Acceptance.objects.filter(pk__in=done.acceptances).select_related("finding")
    for acceptance in over:
        is_gone = acceptance.finding.state == Finding.State.FIXED
        ended = {"acceptance": acceptance.pk, "because": "gone" if is_gone else "day_passed"}
        record(
            Verb.FINDING_ACCEPTANCE_ENDED,
            acceptance.finding,
            actor=PORTAL,
            at=evaluation.at,
            facts=ended,
        )


def _clear() -> None:
    groundwork.clear()
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS rule_found, rule_change")
