"""Names of columns and fields: which are secrets, which only tell about one."""

import pytest

from accounts.connectors.secret_names import is_secret_name
from accounts.connectors.secret_values import holds_secret

SECRET = """
password|passwd|pwd|PASSWORD|Password 1|Password2|old_password|Initial password|Password (plain)
userPassword|dbPassword|Passwort|Kennwort|Initialkennwort|Startpasswort|mot de passe|Mot_de_passe
motdepasse|Contraseña|senha|Wachtwoord|Lösenord|heslo|hasło|пароль|密码|パスワード|passphrase|pass-phrase
passcode|PIN|unixUserPassword|unicodePwd|ms-Mcs-AdmPwd|msLAPS-Password|msLAPS-EncryptedPassword
sambaNTPassword|ntPwdHistory|secret|client_secret|clientSecret|secretText|SecretAccessKey|secret_id
SecretString|totpSecret|OTP seed|token|access_token|accessToken|refresh-token|SessionToken|tokenValue
api_key|apiKey|API-Key|APIKEY|apikey|private_key|privateKey|PrivateKeyPem|ssh_private_key|ENCRYPTION_KEY
access_key|Connection String|connectionString|password_hash|passwordHash|pwd_hash|nthash|hash|salt
password_salt|recovery_codes|Recovery Codes|BackupCodes|Security Answer|password hint|password value
has_password_value|krbPrincipalKey
"""
INNOCENT = """
password_enabled|password_last_used|password_last_changed|password_next_rotation|PasswordLastSet
passwordlastset|PASSWORDLASTSET|pwdLastSet|pwd_changed_at|PasswordNeverExpires|PasswordNotRequired
badPwdCount|badPasswordTime|Password Age (days)|password policy|must_change_password|has_password
is_password_set|last password change|Passwortänderung|Kennwort gültig bis|token_id|tokenId|token_type
Token expires|client_secret_expires_at|access_key_1_active|access_key_1_last_rotated
access_key_1_last_used_date|access_key_1_last_used_region|AccessKeyId|access_key_2_last_used_service
cert_1_active|mfa_active|fingerprint|thumbprint|serial|key_id|Key|public_key|credential|login|name|email
employee number|secretary|Secretariat|passport number|compass|bypass|spinner|author|hashtag|shipping
UserName|PolicyName|Action|Resource|aws:TokenIssueTime|secretsmanager:SecretId|SAML:aud|Condition
"""


def names(table: str) -> list[str]:
    return [name for line in table.split("\n") for name in line.split("|") if name]


@pytest.mark.parametrize(
    ("name", "is_secret"),
    [
        ("token.actions.githubusercontent.com:sub", False),
        ("token.actions.githubusercontent.com:aud", False),
        ("oidc.eks.eu-west-1.amazonaws.com/id/A1B2:sub", False),
        ("login.example.com:client_secret", True),
        ("token:sub", True),
    ],
)
def test_of_a_claim_the_claim_counts_and_not_its_provider(name: str, is_secret: bool) -> None:
    assert is_secret_name(name) == is_secret


@pytest.mark.parametrize("name", names(SECRET))
def test_it_names_a_secret(name: str) -> None:
    assert is_secret_name(name)


@pytest.mark.parametrize("name", names(INNOCENT))
def test_it_names_none(name: str) -> None:
    assert not is_secret_name(name)


@pytest.mark.parametrize(
    "value",
    [
        "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
        "rotate: wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY!",
        "-----BEGIN OPENSSH PRIVATE KEY-----",
        "ghp_" + "a1B2" * 9,
        "xoxb-123456789012-abcdef",
        "{SSHA}5en6G6MezRroT3XKqkdPOmY/BfQ=",
        "$6$rounds=5000$saltsalt$abcdefghijkl",
        "postgresql://portal:hunter2@db.example.com/portal",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.abc",
    ],
)
def test_it_is_a_live_secret(value: str) -> None:
    assert holds_secret(value)


@pytest.mark.parametrize(
    "value",
    [
        "da39a3ee5e6b4b0d3255bfef95601890afd80709",  # a SHA-1
        "CloudFormationStackSetsOrgMemberServiceR",  # forty letters of words
        "arn:aws:iam::111122223333:policy/privesc-sageMakerCreatePresignedNotebookURL-policy",
        "AKIAIOSFODNN7EXAMPLE",
        "https://example.com/a:b",
        "Costs $5$ each, {curly} and so on",
        "Operators, day and night",
    ],
)
def test_it_is_none(value: str) -> None:
    assert not holds_secret(value)
