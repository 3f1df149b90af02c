"""A Django site with one page; its URLs are imported at the first request, after the fork."""

from __future__ import annotations

from django.conf import settings
from django.core.wsgi import get_wsgi_application

settings.configure(
    ALLOWED_HOSTS=["*"], DEBUG=False, MIDDLEWARE=[], ROOT_URLCONF="django_urls", SECRET_KEY="x"
)
application = get_wsgi_application()
