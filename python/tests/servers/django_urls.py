"""The page of the site."""

from __future__ import annotations

from counting_app import count
from django.http import HttpRequest, HttpResponse
from django.urls import path


def page(request: HttpRequest) -> HttpResponse:
    """Count one request."""
    return HttpResponse(count())


urlpatterns = [path("", page)]
