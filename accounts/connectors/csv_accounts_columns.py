"""The columns that the generic inventory CSV understands, by field, and the words in them."""

from accounts.connectors.columns import aliases
from accounts.connectors.values import meanings

FIELDS = aliases(
    {
        "record": "record | record type | row type | satzart",
        "account_id": "account id | external id | object id | user id | uid | sid | guid | konto id | "
        "benutzer id",
        "account": "account | account name | login | login name | logon name | user name | user | "
        "samaccountname | user principal name | upn | benutzer | benutzername | benutzerkennung "
        "| kennung | konto | kontoname | compte | utilisateur | identifiant | cuenta | usuario | "
        "utente | gebruiker",
        "display_name": "display name | full name | name | anzeigename | voller name | nom | nombre | nome "
        "| naam",
        "email": "email | e mail | mail | email address | e mail adresse | courriel | correo",
        "employee_number": "employee number | employee no | employee id | empno | emp id | personnel number "
        "| staff number | staff id | personalnummer | pernr | mitarbeiternummer | "
        "matricule | numero empleado",
        "identity": "identity | identity key | identity name | nhi | machine identity | service identity | "
        "identitat",
        "identity_kind": "identity kind | identity type | nhi kind | nhi type | identitatsart",
        "kind": "kind | account kind | account type | type | art | typ | kontoart | kontotyp | tipo",
        "enabled": "enabled | is enabled | active | is active | account enabled | status | account status | "
        "state | aktiv | actif | activo",
        "disabled": "disabled | is disabled | locked | is locked | inactive | gesperrt | deaktiviert | "
        "inaktiv",
        "created": "created | created at | created on | creation date | when created | account created | "
        "angelegt | angelegt am | erstellt | erstellt am | cree le",
        "last_login": "last login | last logon | last sign in | last logon timestamp | last login at | last "
        "login date | last seen | letzte anmeldung | letzter login | derniere connexion | "
        "ultimo acceso",
        "entitlement": "entitlement | right | permission | role | group | profile | privilege | "
        "authorization | access right | membership | berechtigung | recht | rolle | gruppe | "
        "profil | droit | permiso | rol | ruolo",
        "entitlement_name": "entitlement name | right name | role name | group name | permission name | "
        "berechtigungsname | rollenname",
        "entitlement_kind": "entitlement kind | entitlement type | right type | permission type | "
        "berechtigungsart",
        "description": "description | plain words | meaning | entitlement description | role description | "
        "beschreibung | bedeutung | descripcion | descrizione | omschrijving",
        "privileged": "privileged | is privileged | high risk | critical "
        "| privilegiert | kritisch | privilegie | privilegiado",
        "because": "because | reason | privilege reason | why | begrundung | grund | raison | motivo",
        "acts_as": "acts as | act as | may act as | target account | as account | zielkonto",
        "acts_on": "acts on | act on | acts on host | acts on system | wirkt auf",
        "via": "via | through | inherited from | granted through | parent group | uber | vererbt von | "
        "geerbt von",
        "since": "since | granted | granted at | granted on | assigned | assigned at | assigned on | valid "
        "from | from | start | start date | seit | gultig ab | gultig von | vergeben am | depuis | "
        "desde",
        "until": "until | ends at | ends on | valid to | valid until | valid through | to | end | end date | "
        "granted until | "
        "bis | gultig bis | jusqu'au | hasta",
        "eligible": "eligible | is eligible | to be activated | aktivierbar",
        "last_used": "last used | last use | last used at | last used on | last activity | zuletzt benutzt "
        "| zuletzt genutzt | zuletzt verwendet | letzte nutzung | derniere utilisation | "
        "ultimo uso",
        "credential": "credential | credential id | fingerprint | key id | access key id | serial | serial "
        "number | thumbprint | token id | certificate serial | fingerabdruck | seriennummer | "
        "schlussel id",
        "credential_kind": "credential kind | credential type | key type | token type | nachweisart",
        "rotated": "rotated | rotated at | last rotated | last rotation | password last set | pwd last set "
        "| password last changed | passwort geandert | letzte rotation",
        "expires": "expires | expires at | expires on | expiry | expiry date | expiration | expiration date "
        "| lauft ab | ablauf | ablaufdatum",
        "owner": "owner | owned by | responsible | verantwortlich | verantwortlicher | eigentumer | "
        "proprietaire | responsable",
        "deputy": "deputy | backup owner | secondary owner | stellvertreter | vertreter",
        "purpose": "purpose | use case | zweck | verwendungszweck | but | proposito",
        "environment": "environment | env | stage | umgebung | environnement | entorno",
        "application": "application | app | consumer | anwendung | aplicacion",
    }
)

RECORDS = meanings(
    {
        "account": "account | user | konto | benutzer",
        "entitlement": "entitlement | right | role | group | permission | berechtigung | recht",
        "grant": "grant | assignment | membership | zuordnung | zuweisung",
        "credential": "credential | key | nachweis",
    }
)
IDENTITY_KINDS = meanings(
    {
        "human": "human | person | people | employee | mensch | natural person",
        "service": "service | service account | technical | technical user | system | dienst | dienstkonto "
        "| technischer benutzer | daemon",
        "workload": "workload | job | batch | container | pipeline | ci",
        "bot": "bot | rpa | robot",
        "agent": "agent | ai agent",
        "integration": "integration | third party | vendor | app | interface | schnittstelle",
    }
)
ACCOUNT_KINDS = meanings(
    {
        "personal": "personal | user | named | individual | persönlich | dialog",
        "shared": "shared | generic | group account | sammelkonto | geteilt | functional",
        "emergency": "emergency | break glass | firefighter | notfall | notfallkonto",
        "machine": "machine | non human | maschine",
    }
)
ENTITLEMENT_KINDS = meanings(
    {
        "right": "right | permission | privilege | recht | berechtigung | policy | profile | profil",
        "group": "group | gruppe",
        "role": "role | rolle",
        "act_as": "act as | may act as | impersonation",
    }
)
CREDENTIAL_KINDS = meanings(
    {
        "password": "password | passwort | kennwort",
        "access_key": "access key | api key | key | schlüssel",
        "certificate": "certificate | cert | x509 | zertifikat",
        "token": "token | pat | bearer | refresh token",
        "ssh_key": "ssh key | ssh | public key",
        "mfa_device": "mfa device | mfa | otp | totp | fido2 | webauthn",
    }
)
# Whether a right has to be switched on before use.
ELIGIBLE = meanings(
    {
        "yes": "yes | y | true | 1 | x | ja | eligible | berechtigt | aktivierbar",
        "no": "no | n | false | 0 | nein | active | aktiv | assigned | permanent | direct",
    }
)
# The column's own name tells the kind, where nothing else does.
CREDENTIAL_OF_COLUMN = {
    "accesskeyid": "access_key",
    "thumbprint": "certificate",
    "certificateserial": "certificate",
    "tokenid": "token",
}
KIND_OF_COLUMN = {
    "group": "group",
    "gruppe": "group",
    "membership": "group",
    "role": "role",
    "rolle": "role",
    "rol": "role",
    "ruolo": "role",
}
