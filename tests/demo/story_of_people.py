"""Checks of the story: how many there are, who signs in, people, and machines."""

from datetime import UTC, datetime, timedelta

from django.db.models import Count

from accounts.models import (
    Account,
    Credential,
    Grant,
    Identity,
    ImportRun,
    Revocation,
    Source,
    System,
)
from accounts.models.effective import rights_of
from accounts.models.held_rights import named
from portal.audit.models import Card, Event
from portal.demo import sign_ins
from portal.users.models import Token, User
from portal.users.roles import Role
from reviews.models import ReviewItem
from sessions_app.models import Recording, Session
from tests.demo.saying import check, machine, person, running

State = Revocation.State


# As many as promised


@check
def sixty_two_people_and_nobody_of_fjordpay() -> bool:
    return Identity.objects.human().count() == 62


@check
def four_systems_and_a_test_copy_hold_about_four_hundred_rights() -> bool:
    productive = System.objects.filter(environment=System.Environment.PRODUCTION)
    return (
        set(productive.values_list("code", flat=True)) == {"DIR", "AWS-PAY", "CORE", "JUMP"}
        and System.objects.count() == 5
        and 380 <= Grant.objects.held().count() <= 420
    )


@check
def forty_two_machines_of_every_kind() -> bool:
    machines = Identity.objects.machines()
    return machines.count() == 42 and machines.values("kind").distinct().count() == 5


@check
def fourteen_recordings_sealed_in_three_versions() -> bool:
    sealed = Recording.objects.sealed()
    return sealed.count() == Recording.objects.count() == 14 and set(
        sealed.values_list("format_version", flat=True)
    ) == {1, 2, 3}


@check
def every_session_lies_within_ninety_days() -> bool:
    return not Session.objects.filter(started_at__lt=datetime.now(UTC) - timedelta(days=91)).exists()


@check
def the_last_readings_are_of_yesterday() -> bool:
    newest = [
        source.runs.applied().order_by("-taken_at").values_list("taken_at", flat=True).first()
        for source in Source.objects.exclude(name="HR of Fjordpay")
    ]
    return all(at is not None and at > datetime.now(UTC) - timedelta(days=2) for at in newest)


# Who signs in


@check
def everybody_who_is_printed_can_sign_in() -> bool:
    users = [User.objects.get(email=persona.address) for persona in sign_ins.printed()]
    return all(user.is_active and user.has_usable_password() for user in users)


@check
def the_password_is_the_printed_one() -> bool:
    return User.objects.get(name="Ines Falk").check_password(sign_ins.PASSWORD)


@check
def everybody_inside_is_tied_to_the_inventory() -> bool:
    strangers = User.objects.filter(identity_id=None).values_list("name", flat=True)
    return set(strangers) == {"Elena Petrova", "Olga Outsider"}


@check
def the_iam_administrator_decides_nothing() -> bool:
    mikael = User.objects.get(name="Mikael Strand")
    return (
        mikael.roles == [Role.IAM]
        and not ReviewItem.objects.filter(assignment__reviewer=mikael.identity_id).exists()
    )


# People


@check
def petra_is_on_leave_and_samir_is_the_deputy_of_five() -> bool:
    petra, samir = person("Petra Lindqvist"), person("Samir Haddad")
    theirs = Identity.objects.filter(owner=petra, deputy=samir)
    return petra.status == "on_leave" and theirs.count() == samir.deputised.count() == 5


@check
def petras_people_are_reviewed_by_her_substitute() -> bool:
    items = running().items.filter(subject_id__in=person("Petra Lindqvist").reports.values("pk"))
    return set(items.values_list("assignment__reviewer__name", flat=True)) == {"Samir Haddad"}


@check
def chiara_is_one_person_with_two_numbers_and_no_leaver() -> bool:
    chiara = person("Chiara Neri")
    numbers = set(chiara.engagements.values_list("number", "status"))
    here = chiara.accounts.filter(system__code="DIR", gone_run=None)
    return (
        numbers == {("1014", "active"), ("5009", "left")} and chiara.status == "active" and here.count() == 1
    )


@check
def the_recycled_login_was_refused() -> bool:
    return Account.objects.filter(
        name="jsmith", system__code="DIR", gone_run=None, identity=None, doubt="recycled"
    ).exists()


@check
def john_left_and_jon_has_an_account_of_his_own() -> bool:
    return person("John Smith").status == "left" and person("Jon Smith").accounts.get().name == "josmith"


@check
def the_ceo_has_no_manager_and_goes_to_the_fallback() -> bool:
    ceo = person("Marguerite Duval")
    item = running().items.get(subject_id=ceo.pk)
    return ceo.manager is None and item.reviewer_rule == "fallback"


@check
def alex_has_one_name() -> bool:
    earlier = any(b"Alexandra" in bytes(card.body) for card in Card.objects.exclude(body=None) if card.body)
    shown = Account.objects.filter(display_name__contains="Alexandra").exists()
    sealed = Event.objects.filter(verb="identity.names_sealed", subject_id=str(person("Alex Berg").pk))
    return not earlier and not shown and sealed.exists()


@check
def fjordpay_waits_in_quarantine_with_numbers_that_clash() -> bool:
    source = Source.objects.get(name="HR of Fjordpay")
    run = source.runs.get()
    return source.is_quarantined and run.state == "previewed" and run.counts["person"]["new"] == 14


@check
def what_nobody_may_keep_was_cut_out_of_files() -> bool:
    cut = {part["name"] for run in ImportRun.objects.all() for part in run.cut}
    return {"userPassword", "salary band", "date of birth"} <= cut


# Machines


@check
def the_yearly_job_rests_for_two_hundred_days() -> bool:
    yearly = machine("svc-settlement")
    used = Grant.objects.held().filter(account__identity=yearly).values_list("use__last_used_at", flat=True)
    return yearly.rhythm == "yearly" and all(195 < (datetime.now(UTC) - at).days < 205 for at in used)


@check
def the_key_of_912_days_opens_everything() -> bool:
    key = Credential.objects.get(account__name="ci-deploy-pay", kind="access_key")
    age = datetime.now(UTC) - (key.age_from or datetime.now(UTC))
    wildcard = Grant.objects.held().filter(account=key.account, entitlement__because__contains="every action")
    return age.days in (911, 912) and wildcard.exists() and len(machine("ci-deploy-pay").consumers) == 4


@check
def bot_recon_is_danas_and_has_no_deputy() -> bool:
    dana = person("Dana Kovac")
    return (
        dana.owned.count() == 5
        and machine("bot-recon").owner == dana
        and list(dana.owned.filter(deputy=None).values_list("name", flat=True)) == ["bot-recon"]
    )


@check
def an_ai_agent_is_in_the_review() -> bool:
    agent = machine("agent-triage")
    return agent.kind == "agent" and running().items.filter(subject_id=agent.pk).exists()


@check
def a_contract_has_ended_and_the_access_has_not() -> bool:
    vendor = machine("int-fxvendor")
    end = vendor.contract_end
    return (
        end is not None
        and end < datetime.now(UTC).date()
        and Grant.objects.standing().filter(account__identity=vendor).exists()
    )


@check
def one_key_opens_production_and_test() -> bool:
    twins = Credential.objects.present().filter(kind="ssh_key").values("fingerprint")
    twins = twins.annotate(n=Count("pk")).filter(n=2)
    systems = System.objects.filter(accounts__credentials__fingerprint__in=twins.values("fingerprint"))
    return set(systems.values_list("environment", flat=True)) == {"production", "test"}


@check
def the_recorders_token_expires_in_nine_days() -> bool:
    token = Token.objects.get(user__name="rec-jump")
    left = token.expires_at - datetime.now(UTC)
    listed = Credential.objects.present().get(account__name="rec-jump", kind="token").expires_at
    return timedelta(days=8) < left < timedelta(days=10) and listed is not None


@check
def the_owner_of_svc_reports_has_left() -> bool:
    return "svc-reports" in Identity.objects.unowned().values_list("name", flat=True)


@check
def oracle_old_belongs_to_nobody_and_was_used() -> bool:
    orphan = Account.objects.orphaned().get(name="oracle_old")
    return orphan.sessions.filter(identity=None).exists()


@check
def opsdesk_is_shared_and_dana_knows_its_secret() -> bool:
    shared = Account.objects.get(name="opsdesk")
    return shared.kind == "shared" and shared.memberships.filter(identity=person("Dana Kovac")).exists()


@check
def the_emergency_account_has_two_custodians_and_was_used() -> bool:
    account = Account.objects.get(name="bg-aws-1")
    return (
        account.kind == "emergency" and account.memberships.count() == 2 and account.last_used_at is not None
    )


@check
def the_way_to_domain_admins_is_nested() -> bool:
    nested = Revocation.objects.get(state=State.IMPOSSIBLE).grant
    if nested is None:
        return False
    found = {line.entitlement.name: line for line in named(rights_of([nested.account_id]))}
    admins = found["Administrators"]
    return (
        admins.through == "Tier0-Operators → Domain Admins"
        and not admins.is_removable_here
        and admins.where_it_ends == "not here: remove from group Tier0-Operators"
    )


@check
def leon_decides_on_machines_of_others_and_never_on_his_own() -> bool:
    leon = person("Leon Weiss")
    machines = running().items.filter(assignment__reviewer=leon).exclude(subject_kind__in=["human", ""])
    return machines.exists() and not machines.filter(accountable_id=leon.pk).exists()
