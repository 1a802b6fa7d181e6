"""The HTTP service: uploads, live capture, review and a page. ``python -m service`` runs it; it is not in the wheel."""
