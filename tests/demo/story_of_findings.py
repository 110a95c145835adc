"""Checks of the story: what is wrong with machines, who may enter core01, and who might answer for what."""

from accounts.models import Application, Entitlement, Identity, OwnerProposal, System, reach
from accounts.services.catalogue import Describer
from portal import moment
from reviews.models import Evaluation, Finding
from reviews.rules import RULES
from tests.demo.saying import check, machine, person


def found(code: str) -> set[str]:
    """Names of the identities that a rule finds now."""
    rows = Finding.objects.filter(rule=code, state=Finding.State.OPEN)
    return set(rows.values_list("identity__name", flat=True))


# By every id that the inventory can show


@check
def every_owasp_id_of_the_inventory_is_found() -> bool:
    codes = Finding.objects.filter(state=Finding.State.OPEN).values_list("rule", flat=True)
    return {f"NHI{number}:2025" for number in range(1, 10)} <= {
        owasp for code in set(codes) for owasp in RULES[code].owasp
    }


@check
def owners_left_or_stand_alone_or_never_were() -> bool:
    return (
        "svc-reports" in found("N1.1")
        and "bot-recon" in found("N1.3")
        and found("N1.2") == {"svc-kyc", "svc-print", "svc-wifi", "pay-reports"}
    )


@check
def a_yearly_job_is_not_unused_and_a_forgotten_one_is() -> bool:
    return found("N1.4") == {"pay-reports"} and "svc-settlement" not in found("N5.1")


@check
def secrets_were_exposed_and_lie_in_code() -> bool:
    return found("N2.2") == {"int-swiftgw"} and "svc-interest" in found("N2.3")


@check
def contracts_end_and_vendors_have_no_contact() -> bool:
    return found("N3.2") == {"int-fxvendor"} and found("N3.1") == {"int-skywatch"}


@check
def ways_to_sign_in_are_given_up_or_needless() -> bool:
    return "svc-scan" in found("N4.1") and "ci-deploy-pay" in found("N4.2")


@check
def a_machine_may_do_everything() -> bool:
    return {"ci-deploy-pay", "svc-oracle-agent"} <= found("N5.3")


@check
def pipelines_sign_in_with_keys_or_as_anybody() -> bool:
    return found("N6.1") == {"ci-deploy-pay"} and found("N6.2") == {"etl-ledger"}


@check
def keys_are_old_and_a_token_ends_soon() -> bool:
    return "ci-deploy-pay" in found("N7.1") and "rec-jump" in found("N7.3")


@check
def one_key_and_four_consumers() -> bool:
    twins = {"svc-backup", "svc-backup-test"}
    return found("N8.1") == found("N9.2") == twins and "ci-deploy-pay" in found("N9.1")


@check
def the_rules_were_asked_at_the_end() -> bool:
    return Evaluation.objects.filter(trigger=Evaluation.Trigger.NIGHT).exists()


# Who gets root on core01


def ways(account: str, host: str) -> list[reach.Path]:
    core = System.objects.get(code="CORE")
    return reach.paths(reach.Asked(core, account=account, host=host), moment.now())


@check
def root_on_core01_is_reached_by_every_path_once() -> bool:
    found_ways = {(path.identity_name, path.system_code, len(path.steps)) for path in ways("root", "core01")}
    return (
        len(found_ways) == len(ways("root", "core01"))
        and {
            ("Aiko Mori", "JUMP", 3),  # permission of the gateway
            ("Aiko Mori", "CORE", 2),  # sudo
            ("Dana Kovac", "CORE", 2),  # shared account, which may restart as root
            ("Ravi Menon", "JUMP", 6),  # a group of the gateway, then the shared account, then sudo
            ("svc-oracle-agent", "CORE", 2),  # a machine
        }
        <= found_ways
    )


@check
def the_gateway_and_a_chain_of_roles_lead_to_the_cloud() -> bool:
    payments = System.objects.get(code="AWS-PAY")
    found_ways = reach.paths(reach.Asked(payments, account="pay-admin"), moment.now())
    return {("Rosa Almeida", "JUMP"), ("Rosa Almeida", "AWS-PAY"), ("Ingrid Solberg", "AWS-PAY")} <= {
        (path.identity_name, path.system_code) for path in found_ways
    }


# Who might answer, and what rights mean


@check
def whoever_is_named_by_an_export_is_proposed() -> bool:
    best = {
        name: OwnerProposal.objects.filter(identity__name=name).order_by("-weight").first()
        for name in ("svc-kyc", "svc-print", "svc-wifi", "pay-reports")
    }
    return {name: str(one.candidate) for name, one in best.items() if one is not None} == {
        "svc-kyc": "Judith Keller",
        "svc-print": "Stefan Gruber",
        "svc-wifi": "Nadia Petrov",
        "pay-reports": "Ingrid Solberg",
    }


@check
def applications_carry_ownership() -> bool:
    payments = Application.objects.get(name="Payments")
    inherits = machine("pay-api")
    return (
        payments.owner == person("Leon Weiss")
        and inherits.owner is None
        and inherits.application == payments
        and inherits not in Identity.objects.unowned()
    )


@check
def the_catalogue_is_filled_by_file_and_by_hand() -> bool:
    said = set(Entitlement.objects.values_list("described_by", flat=True))
    return {Describer.CATALOGUE, Describer.HAND, Describer.IMPORT} <= said
