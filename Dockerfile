# The service, with all that it reads with. `compose.yaml` starts it beside PostgreSQL.
ARG PYTHON=3.12

FROM python:${PYTHON}-slim AS build
WORKDIR /source
RUN python -m venv /venv
ENV PATH=/venv/bin:$PATH PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
COPY pyproject.toml README.md LICENSE ./
COPY recognizer recognizer
COPY models models
RUN pip install '.[service,postgres,mqtt,heic]'

FROM python:${PYTHON}-slim
# Barcodes, and the print on the plate.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends libzbar0 tesseract-ocr tesseract-ocr-rus \
    && rm -rf /var/lib/apt/lists/*
RUN useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin meter \
    && install --directory --owner meter --group meter /data
COPY --from=build /venv /venv
# Not in the wheel, where its name would collide with others'.
COPY service /app/service
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
WORKDIR /app
USER meter
VOLUME /data
EXPOSE 8000
HEALTHCHECK --interval=15s --timeout=5s --start-period=30s --retries=3 \
    CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8000/readyz', timeout=4)"]
# It finishes what it was given before it ends.
STOPSIGNAL SIGTERM
CMD ["python", "-m", "service", "--host", "0.0.0.0", "--port", "8000", "--data-dir", "/data"]
