"""HR export as CSV or workbook: a row is one engagement of a person, and must have a number and a name.

Column names are known in several languages (`FIELDS`), or mapped per source. Columns that are not read are
cut at admission. A number counts within its employer: the same number in two companies is two people.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import date
from typing import BinaryIO, Literal, cast

from accounts.connectors import tables, values
from accounts.connectors.admit_csv import admit_table
from accounts.connectors.columns import aliases, require, resolve
from accounts.connectors.connector import Connector, Kept, Options, Sink
from accounts.connectors.first_seen import FirstSeen
from accounts.connectors.records import Header, Person, Record, Rejected
from accounts.connectors.secret_names import normal
from accounts.connectors.tables import Row, Table
from accounts.connectors.text import Readable
from accounts.connectors.values import Unclear, meanings

KEY, VERSION = "hr_csv", 1
OPTIONS = ("encoding", "sheet", "dates", "complete")
NEEDS = (("number",), ("name", "family_name"))  # one field of each

FIELDS = aliases(
    {
        "number": "employee number | employee no | employee id | empno | emp id | empid | emp number | "
        "personnel number | personnel no | person number | staff number | staff id | worker id | "
        "hr number | personalnummer | personal nr | personalnr | pers nr | pernr | "
        "mitarbeiternummer | mitarbeiter nr | mitarbeiter id | matricule | numero employe | "
        "numero de empleado | numero empleado | matricola | personeelsnummer | anstallningsnummer "
        "| number | nummer | id | login | user name",
        "name": "name | full name | display name | employee name | legal name | worker | "
        "vollstandiger name | vollername | anzeigename | nom complet | nombre completo | nome completo "
        "| volledige naam",
        "given_name": "first name | given name | forename | firstname | vorname | rufname | prenom | nombre "
        "| nome | voornaam | fornamn",
        "family_name": "last name | surname | family name | nachname | familienname | zuname | nom | nom de "
        "famille | apellido | apellidos | cognome | achternaam | efternamn",
        "email": "email | e mail | mail | email address | e mail address | work email | business email | e "
        "mail adresse | mailadresse | courriel | correo | correo electronico",
        "employer": "employer | company | company code | legal entity | firma | gesellschaft | unternehmen "
        "| buchungskreis | arbeitgeber | mandant | societe | entreprise | empresa | employeur | "
        "azienda | werkgever",
        "kind": "employment type | employee type | worker type | contract type | engagement | kind | "
        "mitarbeiterart | mitarbeiterkreis | vertragsart | beschaftigungsart | type de contrat | "
        "tipo de contrato",
        "title": "job title | business title | title | position | job | stelle | stellenbezeichnung | "
        "funktion | titel | fonction | poste | cargo | puesto | functie",
        "department": "department | dept | division | unit | org unit | organisational unit | "
        "organizational unit | team | cost centre name | abteilung | bereich | "
        "organisationseinheit | service | departement | departamento | reparto | afdeling | "
        "avdelning",
        "manager_number": "manager number | manager no | manager id | manager employee number | manager "
        "employee id | manager | supervisor id | supervisor number | supervisor | reports "
        "to | line manager | vorgesetzter | vorgesetzte | vorgesetzten nummer | "
        "vorgesetzter personalnummer | personalnummer vorgesetzter | fuhrungskraft | "
        "matricule responsable | responsable | jefe | leidinggevende",
        "sponsor_number": "sponsor number | sponsor id | sponsor employee number | sponsor | betreuer | "
        "ansprechpartner",
        "starts_on": "start date | starts on | hire date | date of hire | hired on | hired | entry date | "
        "joined | join date | valid from | start | eintritt | eintrittsdatum | eintritt am | "
        "beginn | gultig ab | date entree | date d'entree | date d'embauche | fecha de alta | "
        "fecha ingreso | data assunzione | datum in dienst",
        "ends_on": "end date | ends on | termination date | terminated on | leave date | last day | last "
        "working day | exit date | contract end | valid to | valid until | end | austritt | "
        "austrittsdatum | austritt am | vertragsende | ende | befristet bis | gultig bis | date "
        "de sortie | date sortie | fecha de baja | data cessazione | datum uit dienst",
        "status": "status | employment status | employee status | worker status | beschaftigungsstatus | "
        "mitarbeiterstatus | statut | estado | stato",
        "disabled": "disabled | is disabled | inactive | deactivated | terminated | left | ausgeschieden | "
        "deaktiviert | inaktiv",
        "active": "active | is active | enabled | employed | aktiv | actif | activo",
    }
)

_STATUS = meanings(
    {
        "active": "active | a | employed | current | working | aktiv | beschaftigt | beschäftigt | actif | "
        "active employee | activo | attivo | actief | enabled | 1",
        "on_leave": "on leave | leave | l | loa | leave of absence | parental leave | maternity leave | "
        "sabbatical | paternity leave | suspended | beurlaubt | elternzeit | mutterschutz | "
        "ruhend | abwesend | freigestellt | en congé | conge | congé | de baja",
        "left": "left | terminated | t | inactive | leaver | resigned | retired | ended | former | deceased "
        "| dismissed | ausgeschieden | ausgetreten | inaktiv | gekündigt | pensioniert | parti | "
        "sorti | inactif | inactivo | disabled | 0",
    }
)
_KINDS = meanings(
    {
        "employee": "employee | e | emp | permanent | staff | regular | internal | full time | part time | "
        "fixed term | apprentice | intern | trainee | working student | mitarbeiter | "
        "angestellter | angestellte | angestellt | unbefristet | befristet | vollzeit | "
        "teilzeit | auszubildende | azubi | praktikant | werkstudent | cdi | cdd | salarié | "
        "empleado | fijo",
        "contractor": "contractor | c | external | contingent | contingent worker | consultant | freelancer "
        "| temp | agency | vendor | extern | externe | externer | leiharbeiter | freiberufler "
        "| dienstleister | prestataire | contratista | externo",
    }
)


def sniff(head: bytes, name: str) -> float:
    """Number and name make it likely, words that only HR uses make it sure."""
    words = tables.header_words(head)
    found = {field for field, names in FIELDS.items() if words & set(names)}
    if "number" not in found or not ({"name", "family_name"} & found):
        return 0.0
    surely = found & {
        "starts_on",
        "ends_on",
        "manager_number",
        "employer",
        "department",
        "kind",
        "sponsor_number",
    }
    numbered = bool(
        words & (set(FIELDS["number"]) - {normal(weak) for weak in ("login", "user name", "id", "number")})
    )
    called = any(
        part in name.casefold() for part in ("hr", "personal", "employee", "mitarbeiter", "people", "staff")
    )
    return min(0.4 + 0.15 * len(surely) + 0.15 * numbered + 0.2 * called, 0.95)


def admit(stream: Readable, mapping: Options, sink: Sink) -> Kept:
    """Only columns that are read are kept; whatever else HR exported about people is cut."""
    table = Table(stream, mapping.get("encoding"), mapping.get("sheet"))
    at = _columns(table, mapping)
    return admit_table(table, sink, at.values())


def read(stream: BinaryIO, mapping: Options) -> tuple[Header, Iterator[Record]]:
    """Persons in the order of the file."""
    found = tables.survey(stream)
    table = Table(stream)
    at = _columns(table, mapping)
    order = values.order_of(mapping)
    is_full, notes = tables.is_complete(table, mapping.get("complete"), found)
    header = Header(
        format=KEY,
        version=VERSION,
        system_reference=table.remarks.get("system"),
        taken_at=tables.taken_at(table),
        is_full=is_full,
        covers=frozenset({"person"}),
        columns=table.columns,
        unmapped=tuple(name for place, name in enumerate(table.columns) if place not in at.values()),
        control_total=found.total if found else table.total,
        notes=notes,
    )
    return header, _people(table, at, mapping, order)


def _columns(table: Table, mapping: Options) -> dict[str, int]:
    at = resolve(table, FIELDS, mapping, OPTIONS)
    require(table, at, NEEDS)
    return at


def _people(table: Table, at: Mapping[str, int], mapping: Options, order: str | None) -> Iterator[Record]:
    seen, rows = FirstSeen(), 0
    for row in table:
        rows += row.counts
        if (refused := tables.ragged(row, table.columns)) is not None:
            yield refused
        elif row.cells:
            try:
                person = _person(row, at, mapping, order)
            except Unclear as unclear:
                yield Rejected(row.line, unclear.code, unclear.reason, row.excerpt)
                continue
            twin = seen.note((person.employer or "", person.number), row.line)
            yield person if twin is None else _duplicate(person, twin[0], row)
    if (wrong := tables.wrong_total(table, rows)) is not None:
        yield wrong


def _person(row: Row, at: Mapping[str, int], mapping: Options, order: str | None) -> Person:
    def cell(field: str) -> str:
        return row.cells[at[field]] if field in at else ""

    number = values.text(cell("number"))
    if number is None:
        raise Unclear(
            "missing_number", "The row has no employee number. Without one nobody can say whose row it is."
        )
    given, family = values.text(cell("given_name")), values.text(cell("family_name"))
    name = values.text(cell("name")) or " ".join(part for part in (given, family) if part)
    if not name:
        raise Unclear(
            "missing_name", "The row has no name. Add one, or map the column that holds it to “name”."
        )
    starts_on = values.day(cell("starts_on"), "starts_on", order)
    ends_on = values.day(cell("ends_on"), "ends_on", order)
    _refuse_backwards(starts_on, ends_on)
    kind = values.word(cell("kind"), "kind", _KINDS, mapping)
    return Person(
        number=number,
        name=name,
        line=row.line,
        given_name=given,
        family_name=family,
        email=values.text(cell("email")),
        employer=values.text(cell("employer")),
        kind=cast(Literal["employee", "contractor"] | None, kind),
        title=values.text(cell("title")),
        department=values.text(cell("department")),
        manager_number=values.text(cell("manager_number")),
        sponsor_number=values.text(cell("sponsor_number")),
        starts_on=starts_on,
        ends_on=ends_on,
        status=_status(cell, mapping),
    )


def _status(cell: Callable[[str], str], mapping: Options) -> Literal["active", "on_leave", "left"] | None:
    said = values.word(cell("status"), "status", _STATUS, mapping)
    if said is not None:
        return cast(Literal["active", "on_leave", "left"], said)
    is_disabled = values.yes_or_no(cell("disabled"), "disabled")
    is_active = values.yes_or_no(cell("active"), "active")
    if is_disabled is not None and is_disabled == is_active:
        raise Unclear(
            "contradiction", "The row says both active and disabled. Correct one of the two columns."
        )
    if is_disabled is None and is_active is None:
        return None
    return "left" if is_disabled or is_active is False else "active"


def _refuse_backwards(starts_on: date | None, ends_on: date | None) -> None:
    if starts_on and ends_on and ends_on < starts_on:
        raise Unclear(
            "ends_before_start",
            f"The end ({ends_on}) lies before the start ({starts_on}). Correct one of them.",
        )


def _duplicate(person: Person, first: int, row: Row) -> Rejected:
    where = f" at {person.employer}" if person.employer else ""
    return Rejected(
        row.line,
        "duplicate_number",
        f"The number {person.number}{where} is already in line {first}. A number belongs to one person: "
        "correct it, or add the employer if these are two companies.",
        row.excerpt,
    )


CONNECTOR = Connector(
    key=KEY,
    version=VERSION,
    label="HR export (CSV, XLSX)",
    reads=frozenset({"person"}),
    sniff=sniff,
    admit=admit,
    read=read,
    fields=tuple(FIELDS),
    options=OPTIONS,
)
