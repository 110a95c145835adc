"""How each rule is set: what people kept, or the rule's own defaults as the first version."""

from collections.abc import Collection
from datetime import datetime

from portal import moment
from reviews.models import RuleSetting, RuleVersion
from reviews.rules import RULES
from reviews.rules.rule import Rule


def default(rule: Rule) -> RuleSetting:
    """Not saved: what a rule is before anybody touched it, which is version 1."""
    return RuleSetting(
        code=rule.code,
        is_on=True,
        severity=rule.severity,
        thresholds=rule.defaults(),
        changed_at=moment.now(),
    )


def shown() -> dict[str, RuleSetting]:
    """The setting of every rule, for pages; writes nothing."""
    kept = {one.code: one for one in RuleSetting.objects.filter(code__in=RULES)}
    return {code: kept.get(code) or default(rule) for code, rule in RULES.items()}


def all_kept(codes: Collection[str] | None = None) -> dict[str, RuleSetting]:
    """The same as rows: rules that are new here get one, and their first version with it."""
    wanted = set(RULES if codes is None else codes)
    missing = wanted - set(RuleSetting.objects.filter(code__in=wanted).values_list("code", flat=True))
    if missing:
        made = [default(RULES[code]) for code in sorted(missing)]
        RuleSetting.objects.bulk_create(made, ignore_conflicts=True)
        versions = [
            RuleVersion(
                code=one.code,
                number=1,
                is_on=one.is_on,
                severity=one.severity,
                thresholds=one.thresholds,
                set_at=one.changed_at,
            )
            for one in made
        ]
        RuleVersion.objects.bulk_create(versions, ignore_conflicts=True)
    return {one.code: one for one in RuleSetting.objects.filter(code__in=wanted)}


def evaluated_at() -> dict[str, datetime]:
    """When each rule was last asked."""
    rows = RuleSetting.objects.filter(evaluated_at__isnull=False).values_list("code", "evaluated_at")
    return {code: at for code, at in rows if at is not None}
