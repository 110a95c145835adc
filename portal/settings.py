"""Every setting, on one page, all from the environment. An unsafe value stops the start and says which.

`PORTAL_DEBUG=1` is for development; without it the portal is in production and `refusals()` below
must be empty. docs/operations/settings.md explains each variable.
"""

import os
import sys
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

from portal import postgres
from portal.tasks import engines

ROOT = Path(__file__).resolve().parent.parent


def env(name: str, default: str = "") -> str:
    """A variable, or what the file named by NAME_FILE holds (the way secrets are mounted)."""
    if path := os.environ.get(f"{name}_FILE"):
        return Path(path).read_text().strip()
    return os.environ.get(name, default)


def flag(name: str, default: str = "0") -> bool:
    """A yes/no variable; anything else is a mistake, not a no."""
    value = env(name, default).lower()
    if value not in {"0", "1", "true", "false", "yes", "no", ""}:
        raise ImproperlyConfigured(f"{name}={value!r}: say 1 or 0")
    return value in {"1", "true", "yes"}


def number(name: str, default: int) -> int:
    """A whole number."""
    try:
        return int(env(name, str(default)))
    except ValueError:
        raise ImproperlyConfigured(f"{name}={env(name)!r}: say a whole number") from None


def names(name: str, default: str = "") -> list[str]:
    """A list separated by commas."""
    return [part.strip() for part in env(name, default).split(",") if part.strip()]


def database(url: str) -> dict[str, object]:
    """A PostgreSQL address as Django wants it; no other engine is supported (ADR 0002)."""
    parts = urlsplit(url)
    if parts.scheme not in {"postgresql", "postgres"}:
        raise ImproperlyConfigured(f"DATABASE_URL must begin with postgresql://, not {parts.scheme}://")
    options = dict(parse_qsl(parts.query))
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.lstrip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": options.pop("host", parts.hostname or ""),
        "PORT": str(parts.port or ""),
        "OPTIONS": {"application_name": "portal", **options},
        "CONN_MAX_AGE": number("PORTAL_DB_CONN_MAX_AGE", 60),
        "CONN_HEALTH_CHECKS": True,
        "DISABLE_SERVER_SIDE_CURSORS": flag("PORTAL_DB_POOLED"),
    }


DEBUG = flag("PORTAL_DEBUG")
DEMO = flag("PORTAL_DEMO")
TESTING = "PORTAL_TEST_CLUSTER" in os.environ
DATA = Path(env("PORTAL_DATA", str(ROOT / "var" / "data")))
ORGANISATION = env("PORTAL_ORGANISATION", "Nordhaven Bank" if DEMO else "Your organisation")
# The log's origin names the organisation for ever; the demonstration's can't be taken for a real one.
LOG_ORIGIN = env("PORTAL_LOG_ORIGIN", "demo.invalid/portal" if DEMO else "localhost/portal")
BASE_URL = env("PORTAL_BASE_URL", f"http://localhost:{env('PORT', '8000')}").rstrip("/")
SECRET_KEY = env("PORTAL_SECRET_KEY")
SECRET_KEY_FALLBACKS = names("PORTAL_SECRET_KEY_FALLBACKS")
ALLOWED_HOSTS = names("PORTAL_ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]")
CSRF_TRUSTED_ORIGINS = [BASE_URL] if BASE_URL.startswith("https://") else []

# The simulated clock lets the demonstration play a quarter in seconds; production refuses it.
PORTAL_SIMULATED_CLOCK = flag("PORTAL_SIMULATED_CLOCK", "1" if DEMO else "0")
PORTAL_DATA = DATA
PORTAL_UPLOAD_LIMIT = number("PORTAL_UPLOAD_LIMIT", 1 << 30)  # bytes
# Feeds: where systems lay files (a folder per source), and what the portal may read itself. Secrets of feeds
# are read when they are needed, by the name of their source: docs/operations/feeds.md.
PORTAL_INBOX = env("PORTAL_INBOX", str(ROOT / "var" / "inbox") if DEMO else "")
PORTAL_INBOX_SETTLE_SECONDS = number("PORTAL_INBOX_SETTLE_SECONDS", 60)
PORTAL_INBOX_KEEP_DAYS = number("PORTAL_INBOX_KEEP_DAYS", 30)
PORTAL_PULL_HOSTS = names("PORTAL_PULL_HOSTS")
# The longest a limit may last: hours for the rights named as administrators', days for any other right.
PORTAL_LIMIT_HOURS_ADMIN = number("PORTAL_LIMIT_HOURS_ADMIN", 24)
PORTAL_LIMIT_DAYS = number("PORTAL_LIMIT_DAYS", 90)
PORTAL_ADMIN_RIGHTS = names("PORTAL_ADMIN_RIGHTS", "AdministratorAccess,Domain Admins,root")
# From how many percent on a rule of correlation links an account by itself; below, it proposes.
PORTAL_CORRELATION_SURE = number("PORTAL_CORRELATION_SURE", 90)
PORTAL_TASKS = env("PORTAL_TASKS", "embedded")
PORTAL_BROKER_URL = env("PORTAL_BROKER_URL", "redis://localhost:6379/0")

# --- database: two roles, see portal/tables.py -----------------------------------------------------
_runtime = env("DATABASE_URL") or postgres.running_url(ROOT, role="portal_app")
_owner = env("DATABASE_OWNER_URL") or (
    "" if env("DATABASE_URL") else postgres.running_url(ROOT, role="portal")
)
if not _runtime:
    if (
        {"makemigrations", "check", "compilemessages", "makemessages", "collectstatic", "help"}
        & set(sys.argv)
        or TESTING
        or flag("PORTAL_NO_DATABASE")
    ):
        _runtime = "postgresql://portal_app@/portal?host=/nonexistent"
    else:
        raise ImproperlyConfigured(
            "no database: the portal's own PostgreSQL is not running in this folder. "
            "Start it with `make run`, or set DATABASE_URL and DATABASE_OWNER_URL."
        )
DATABASES = {"default": database(_runtime), "owner": database(_owner or _runtime)}
DATABASES["owner"]["CONN_MAX_AGE"] = 0
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- applications, in the order of the architecture's line -----------------------------------------
INSTALLED_APPS = [
    "portal.audit",
    "portal.vault",
    "portal.tasks",
    "portal.outbox",
    "portal.users",
    "portal.ui",
    "accounts",
    "sessions_app",
    "reviews",
    "portal.demo",
    "portal.inspection",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "django.contrib.postgres",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.openid_connect",
    "allauth.usersessions",
    "guardian",
    "django_htmx",
    *engines.apps_for(PORTAL_TASKS),
]
MIDDLEWARE = [
    "portal.middleware.request_id",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "portal.middleware.content_security_policy",
    "portal.vault.middleware.LengthRequiredMiddleware",
    "portal.middleware.no_nul_cookies",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "allauth.usersessions.middleware.UserSessionsMiddleware",
    "portal.middleware.no_nul",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "portal.middleware.RefusalMiddleware",
]
ROOT_URLCONF = "portal.urls"
WSGI_APPLICATION = "portal.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [ROOT / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "portal.navigation.context",
            ],
            "builtins": ["portal.ui.templatetags.portal"],
        },
    }
]

# --- tasks -------------------------------------------------------------------------------------------
TASKS = engines.tasks_setting(PORTAL_TASKS)
RQ_QUEUES = engines.rq_queues(PORTAL_BROKER_URL)
RQ = engines.RQ
CELERY_BROKER_URL = PORTAL_BROKER_URL

# --- who signs in -----------------------------------------------------------------------------------
AUTH_USER_MODEL = "users.User"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "home"
ACCOUNT_LOGOUT_REDIRECT_URL = "account_login"
ACCOUNT_SESSION_REMEMBER = False
ACCOUNT_ADAPTER = "portal.users.sign_in.AccountAdapter"
SOCIALACCOUNT_ADAPTER = "portal.users.sign_in.SocialAccountAdapter"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_EMAIL_VERIFICATION = "none"  # people are made by an administrator or by the identity provider
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_REAUTHENTICATION_REQUIRED = True
ACCOUNT_PASSWORD_RESET_TOKEN_GENERATOR = "portal.users.reset_links.ResetLinks"  # noqa: S105 - a class
ACCOUNT_RATE_LIMITS = {"login": "60/m/ip", "login_failed": "10/m/ip,5/5m/key"}
MFA_ADAPTER = "portal.users.factors.FactorAdapter"
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes", "webauthn"]
MFA_TOTP_ISSUER = ORGANISATION
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = DEBUG
SOCIALACCOUNT_ONLY = False
SOCIALACCOUNT_AUTO_SIGNUP = False
# PORTAL_OIDC="https://idp.example/realms/bank client-id client-secret" switches single sign-on on.
_oidc = env("PORTAL_OIDC").split()
if _oidc and len(_oidc) != 3:
    raise ImproperlyConfigured(
        "PORTAL_OIDC: say the issuer's address, the client id and its secret, separated by spaces"
    )
SOCIALACCOUNT_PROVIDERS = {
    "openid_connect": {
        "OAUTH_PKCE_ENABLED": True,
        "APPS": [
            {
                "provider_id": "sso",
                "name": env("PORTAL_OIDC_NAME", "Single sign-on"),
                "client_id": _oidc[1],
                "secret": _oidc[2],
                "settings": {"server_url": _oidc[0], "oauth_pkce_enabled": True},
            }
        ]
        if _oidc
        else [],
    }
}
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.MD5PasswordHasher"
    if TESTING
    else "django.contrib.auth.hashers.ScryptPasswordHasher",
    "django.contrib.auth.hashers.ScryptPasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
PASSWORD_HASHERS = list(dict.fromkeys(PASSWORD_HASHERS))
GUARDIAN_MONKEY_PATCH_USER = False
ANONYMOUS_USER_NAME = None
SILENCED_SYSTEM_CHECKS = [
    "guardian.W001",  # Shares are read by our own join in portal/users/guards.py, not by guardian's backend
]

# --- pages --------------------------------------------------------------------------------------------
LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English")]
LOCALE_PATHS = [ROOT / "locale"]
USE_TZ = True
TIME_ZONE = env("PORTAL_TIME_ZONE", "UTC")
STATIC_URL = "/static/"
STATIC_ROOT = ROOT / "var" / "static"
STATICFILES_DIRS = [
    ROOT / "portal" / "static",
    *(
        (f"vendor/{name}", str(ROOT / "node_modules" / name / folder))
        for name, folder in (("asciinema-player", "dist/bundle"), ("uplot", "dist"))
        if (ROOT / "node_modules" / name).exists()
    ),
]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG or TESTING
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
    },
}
WHITENOISE_USE_FINDERS = DEBUG or TESTING
FILE_UPLOAD_HANDLERS = ["portal.vault.spool.SealedUploadHandler"]
DATA_UPLOAD_MAX_MEMORY_SIZE = 2_621_440
DATA_UPLOAD_MAX_NUMBER_FIELDS = 5_000
CSRF_FAILURE_VIEW = "portal.ui.errors.csrf_failure"
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"

# --- mail ---------------------------------------------------------------------------------------------
_mail = urlsplit(env("PORTAL_MAIL_URL"))
EMAIL_BACKEND = (
    "django.core.mail.backends.smtp.EmailBackend"
    if _mail.scheme in {"smtp", "smtps"}
    else "django.core.mail.backends.filebased.EmailBackend"
)
EMAIL_FILE_PATH = str(DATA / "mail")
EMAIL_HOST, EMAIL_PORT = _mail.hostname or "localhost", _mail.port or 25
EMAIL_HOST_USER, EMAIL_HOST_PASSWORD = unquote(_mail.username or ""), unquote(_mail.password or "")
EMAIL_USE_SSL = _mail.scheme == "smtps"
DEFAULT_FROM_EMAIL = env("PORTAL_MAIL_FROM", "portal@localhost")

# --- transport ----------------------------------------------------------------------------------------
_https = BASE_URL.startswith("https://")
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_SSL_REDIRECT = _https
SECURE_HSTS_SECONDS = number("PORTAL_HSTS_SECONDS", 31_536_000) if _https else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = _https
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if flag("PORTAL_BEHIND_PROXY") else None
SECURE_REFERRER_POLICY = "same-origin"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_AGE = number("PORTAL_SESSION_HOURS", 10) * 3600
X_FRAME_OPTIONS = "DENY"
# Nothing inline and no nonces; the player compiles WebAssembly and needs nothing else. The button of single
# sign-on is a form that ends at the provider, so its origin is the one other place a form may go.
_provider = f" {urlsplit(_oidc[0]).scheme}://{urlsplit(_oidc[0]).netloc}" if _oidc else ""
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self' data:; "
    f"font-src 'self'; connect-src 'self'; form-action 'self'{_provider}; base-uri 'none'; "
    "frame-ancestors 'none'; manifest-src 'self'; worker-src 'self' blob:"
)

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {"request_id": {"()": "portal.request_id.Filter"}},
    "formatters": {"plain": {"format": "{levelname} {name} [{request_id}] {message}", "style": "{"}},
    "handlers": {
        "stderr": {"class": "logging.StreamHandler", "formatter": "plain", "filters": ["request_id"]}
    },
    "root": {"handlers": ["stderr"], "level": env("PORTAL_LOG_LEVEL", "WARNING")},
}


def refusals() -> list[str]:
    """Why these settings can't go into production; an empty list lets the portal start."""
    found = []
    if len(SECRET_KEY) < 50:
        found.append("PORTAL_SECRET_KEY must be at least 50 random characters")
    if "*" in ALLOWED_HOSTS:
        found.append("PORTAL_ALLOWED_HOSTS must name hosts, not *")
    if DEMO or TESTING:
        return found
    if not _https and urlsplit(BASE_URL).hostname not in {"localhost", "127.0.0.1", "::1"}:
        found.append("PORTAL_BASE_URL must begin with https:// (only localhost may go without)")
    if PORTAL_SIMULATED_CLOCK:
        found.append("PORTAL_SIMULATED_CLOCK is for the demonstration only")
    if (
        _https
        and env("DATABASE_URL")
        and DATABASES["default"]["USER"] == DATABASES["owner"]["USER"]
        and _owner
    ):
        found.append(
            "DATABASE_URL and DATABASE_OWNER_URL must be two roles: the runtime role may not own its tables"
        )
    return found


if DEBUG and not SECRET_KEY:
    SECRET_KEY = "development-only-" + "x" * 40
if not DEBUG and not TESTING and not flag("PORTAL_NO_DATABASE") and (unsafe := refusals()):
    raise ImproperlyConfigured("the portal does not start: " + "; ".join(unsafe))
