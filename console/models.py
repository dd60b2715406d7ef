"""What the console itself remembers of its people."""

from __future__ import annotations

from django.conf import settings
from django.db import models


class Opened(models.Model):
    """A person has opened an alert; until then it is 新 to them."""

    login = models.CharField(max_length=64)
    alert = models.ForeignKey("alerts.Alert", on_delete=models.CASCADE, related_name="opened_by")
    at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["login", "alert"], name="opened_once")]


class Post(models.Model):
    """上岗: a person stands at the desk with sound unlocked, until they leave or the session ends."""

    login = models.CharField(max_length=64, db_index=True)
    since = models.DateTimeField()
    until = models.DateTimeField(null=True)


class SavedView(models.Model):
    """A search somebody keeps."""

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="saved_views")
    name = models.CharField(max_length=64)
    query = models.CharField(max_length=2000)
    saved_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["owner", "name"], name="saved_view_name")]


class SecondFactor(models.Model):
    """A person's TOTP secret; counts once it was confirmed with a code."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="second_factor")
    secret = models.CharField(max_length=64)
    confirmed_at = models.DateTimeField(null=True)
    #: Time step of the last code taken, so that none is taken twice.
    last_step = models.BigIntegerField(default=0)


class Deed(models.Model):
    """What somebody did that stands in no alert's record: posts taken out, incidents joined or split. Only added to."""

    at = models.DateTimeField(db_index=True)
    login = models.CharField(max_length=150)
    #: export, join, split.
    kind = models.CharField(max_length=16)
    #: What was done to what, and why, in Chinese.
    words = models.TextField()
