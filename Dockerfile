# The worker and nothing else: no compiler, no pip, no tests, no demo.
FROM python:3.13-slim-bookworm AS build
WORKDIR /src
COPY requirements/build.lock requirements/run.lock requirements/
RUN python -m venv /build \
    && /build/bin/python -m pip install --no-cache-dir --require-hashes -r requirements/build.lock
RUN python -m venv --without-pip /app \
    && /build/bin/python -m pip --python /app/bin/python install --no-cache-dir --require-hashes -r requirements/run.lock
COPY pyproject.toml README.md LICENSE CHANGELOG.md ./
COPY bpmn-examples bpmn-examples
COPY worker worker
RUN /build/bin/python -m pip wheel --no-cache-dir --no-deps --no-build-isolation --wheel-dir /wheels . \
    && /build/bin/python -m pip --python /app/bin/python install --no-cache-dir --no-deps --no-index --find-links /wheels zeebe-mail

FROM python:3.13-slim-bookworm
LABEL org.opencontainers.image.title="zeebe-mail" \
      org.opencontainers.image.description="A Camunda 8 / Zeebe job worker that does mail" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=build /app /app
# Only the send ledger is written: the image runs with a read-only root file system.
RUN install -d -o 10001 -g 10001 -m 700 /var/lib/zeebe-mail
VOLUME /var/lib/zeebe-mail
ENV PATH=/app/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    ZEEBE_MAIL_HTTP_HOST=0.0.0.0 \
    ZEEBE_MAIL_LEDGER=/var/lib/zeebe-mail/ledger.db
USER 10001:10001
EXPOSE 9464
# Alive, not ready: a gateway that is away for a while is no reason to start the worker again.
HEALTHCHECK --interval=15s --timeout=6s --start-period=20s --retries=3 CMD ["zeebe-mail", "health", "--live"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["zeebe-mail"]
CMD ["run"]
