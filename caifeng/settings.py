"""Every setting of an installation, read from the environment once.

To add one: a line in `docs/operations.md` (a test checks it) and a line here.
"""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from typing import Any

import dj_database_url

BASE_DIR = Path(__file__).resolve().parent.parent

#: All state of an installation; two homes are two installations.
HOME = Path(os.environ.get("CAIFENG_HOME", "var")).resolve()
PORT = int(os.environ.get("CAIFENG_PORT", "8000"))
#: Address the console listens on.
HOST = os.environ.get("CAIFENG_HOST", "127.0.0.1")
#: Addresses of proxies whose X-Forwarded-For is believed, comma-separated.
TRUSTED_PROXIES = os.environ.get("CAIFENG_TRUSTED_PROXIES", "127.0.0.1")
#: Where people reach the console, as messages write it.
PUBLIC_URL = os.environ.get("CAIFENG_PUBLIC_URL", f"http://127.0.0.1:{PORT}")
#: Name of a profile under deploy/profiles or a path.
PROFILE = os.environ.get("CAIFENG_PROFILE", "example-county")
#: sqlite or elasticsearch.
STORE = os.environ.get("CAIFENG_STORE", "sqlite")
ELASTICSEARCH_URL = os.environ.get("CAIFENG_ELASTICSEARCH_URL", "http://127.0.0.1:9200")
ELASTICSEARCH_USER = os.environ.get("CAIFENG_ELASTICSEARCH_USER", "")
ELASTICSEARCH_PASSWORD = os.environ.get("CAIFENG_ELASTICSEARCH_PASSWORD", "")
ELASTICSEARCH_CA = os.environ.get("CAIFENG_ELASTICSEARCH_CA", "")
#: Prefix of index names and of the alias.
ELASTICSEARCH_PREFIX = os.environ.get("CAIFENG_ELASTICSEARCH_PREFIX", "posts")
#: JSON file of channel settings (webhook addresses, tokens); never in the database, never in logs.
CHANNELS_FILE = os.environ.get("CAIFENG_CHANNELS_FILE", "")
#: Addresses or CIDR, comma-separated: non-public networks the crawler may reach (an intranet RSSHub).
ALLOWED_NETWORKS = os.environ.get("CAIFENG_ALLOWED_NETWORKS", "")
#: How sites reach the people behind the crawler; part of its user agent.
CONTACT = os.environ.get("CAIFENG_CONTACT", PUBLIC_URL)
#: Lets a Prometheus on another machine read /metrics; without it only this machine may.
METRICS_TOKEN = os.environ.get("CAIFENG_METRICS_TOKEN", "")
#: OpenID Connect provider people may log in by; empty for none. The claim holds the name of their account here.
OIDC_ISSUER = os.environ.get("CAIFENG_OIDC_ISSUER", "")
OIDC_CLIENT_ID = os.environ.get("CAIFENG_OIDC_CLIENT_ID", "caifeng")
OIDC_CLIENT_SECRET = os.environ.get("CAIFENG_OIDC_CLIENT_SECRET", "")
OIDC_CLAIM = os.environ.get("CAIFENG_OIDC_CLAIM", "preferred_username")
OIDC_NAME = os.environ.get("CAIFENG_OIDC_NAME", "统一身份认证")
#: Days posts are kept.
RETENTION_DAYS = int(os.environ.get("CAIFENG_RETENTION_DAYS", "400"))


def _secret_key() -> str:
    """The key of this home: given by CAIFENG_SECRET_KEY or a file, else made once and kept for its owner only."""
    if given := os.environ.get("CAIFENG_SECRET_KEY"):
        return given
    path = Path(os.environ.get("CAIFENG_SECRET_KEY_FILE", HOME / "secret.key"))
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_suffix(f".{os.getpid()}")
        draft.touch(mode=0o600)
        draft.write_text(secrets.token_urlsafe(48))
        try:
            os.link(draft, path)
        except FileExistsError:
            pass  # another role of this home was first
        finally:
            draft.unlink()
    return path.read_text().strip()


SECRET_KEY = _secret_key()
DEBUG = False
ALLOWED_HOSTS = os.environ.get("CAIFENG_ALLOWED_HOSTS", "127.0.0.1,localhost,[::1]").split(",")
CSRF_TRUSTED_ORIGINS = [PUBLIC_URL]
CSRF_FAILURE_VIEW = "console.views.sessions.stale_form"

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "axes",
    "storage",
    "crawlers",
    "rules",
    "alerts",
    "briefings",
    "console",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "console.middleware.SafeHeaders",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "console.middleware.KnownEvents",
    "console.access.CloseByDefault",
    "axes.middleware.AxesMiddleware",
]
ROOT_URLCONF = "caifeng.urls"
ASGI_APPLICATION = "caifeng.asgi.application"
TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "console.context.frame",
            ]
        },
    }
]


def _database() -> dict[str, Any]:
    """SQLite in the home, or what CAIFENG_DATABASE_URL says (PostgreSQL)."""
    if url := os.environ.get("CAIFENG_DATABASE_URL"):
        # The console answers each request in a thread of its own: a connection kept open would die with the thread.
        found = dj_database_url.parse(url, conn_max_age=0)
        # Values go to the server as they are, not as literals it has to read: batches are arrays (storage/writing.py).
        return {**found, "OPTIONS": {**found.get("OPTIONS", {}), "server_side_binding": True}}
    HOME.mkdir(parents=True, exist_ok=True)
    return {
        "ENGINE": "storage.workflow",
        "NAME": HOME / "workflow.sqlite3",
        # Said aloud: pytest-django knows only Django's own engine to be tested in memory.
        "TEST": {"NAME": ":memory:"},
        "OPTIONS": {
            # A reader that later writes would otherwise fail at once with "database is locked".
            "transaction_mode": "IMMEDIATE",
            "timeout": 30,
            # FULL: an alert that was confirmed to a person survives a power cut.
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON;",
        },
    }


DATABASES: dict[str, Any] = {"default": _database()}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

LANGUAGE_CODE = "zh-hans"
TIME_ZONE = "Asia/Shanghai"
USE_I18N = True
USE_TZ = True

AUTHENTICATION_BACKENDS = ["axes.backends.AxesStandaloneBackend", "django.contrib.auth.backends.ModelBackend"]
AXES_FAILURE_LIMIT = 5
AXES_COOLOFF_TIME = 0.25
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_VERBOSE = False
AXES_LOCKOUT_CALLABLE = "console.views.sessions.locked"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "/login"
LOGIN_REDIRECT_URL = "/"

#: Secure cookies need HTTPS; the console says aloud when it is reached without.
_HTTPS = PUBLIC_URL.startswith("https://")
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = _HTTPS
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_AGE = 12 * 3600
#: Two homes on one host differ in their port only, and cookies do not know ports.
SESSION_COOKIE_NAME = f"caifeng_session_{PORT}"
CSRF_COOKIE_NAME = f"caifeng_csrf_{PORT}"
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"
if _HTTPS:
    SECURE_HSTS_SECONDS = 31536000
    SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = True
    SECURE_SSL_REDIRECT = True
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

STATIC_URL = "/static/"
STATIC_ROOT = HOME / "static"
# WhiteNoise complains of a folder that is not there yet.
STATIC_ROOT.mkdir(parents=True, exist_ok=True)
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "console.assets.HashedFiles"},
}
WHITENOISE_USE_FINDERS = True

LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"fields": {"()": "caifeng.logs.FieldFormatter"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "fields"}},
    "root": {"handlers": ["stderr"], "level": os.environ.get("CAIFENG_LOG_LEVEL", "INFO")},
    "loggers": {
        "httpx": {"level": "WARNING"},
        "elastic_transport": {"level": "WARNING"},
        "apscheduler": {"level": "WARNING"},
    },
}
