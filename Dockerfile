# The image of Feuilleton: web, worker and commands in one; what runs is the command's word.
# Both stages share one base, so that the environment finds the same Python where it was made.
ARG BASE_IMAGE=docker.io/library/debian:bookworm-slim

FROM ${BASE_IMAGE} AS builder
# A private mirror or certificate authority of the machine that builds; nothing of it stays.
ARG PIP_CERT
ARG PIP_INDEX_URL
ARG SSL_CERT_FILE
ARG UV_DEFAULT_INDEX
ENV DEBIAN_FRONTEND=noninteractive UV_PYTHON_DOWNLOADS=never UV_SYSTEM_CERTS=true
RUN apt-get update -qq \
    && apt-get install -y -qq --no-install-recommends ca-certificates python3 python3-venv
COPY .ci/bootstrap.lock /build/
RUN python3 -m venv /build/venv \
    && /build/venv/bin/pip install -q --no-cache-dir --only-binary :all: --require-hashes \
        -r /build/bootstrap.lock
COPY requirements.lock /build/
RUN python3 -m venv --without-pip /opt/feuilleton \
    && /build/venv/bin/uv -q pip sync --no-cache --compile-bytecode --require-hashes \
        --python /opt/feuilleton/bin/python /build/requirements.lock
WORKDIR /srv/feuilleton
COPY pyproject.toml README.md LICENSE ./
COPY app app
COPY emails emails
COPY migrations migrations
# Editable: the letters and the migrations lie beside the code, here as in a clone.
RUN /build/venv/bin/uv -q pip install --no-cache --no-deps --no-index \
        --python /opt/feuilleton/bin/python --editable . \
    && python3 -m compileall -q app migrations

FROM ${BASE_IMAGE}
RUN apt-get update -qq \
    && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
        ca-certificates python3 \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --uid 10001 --user-group --no-create-home --home-dir /data \
        --shell /usr/sbin/nologin feuilleton \
    && install -d -o feuilleton -g feuilleton -m 0750 /data
COPY --from=builder /opt/feuilleton /opt/feuilleton
COPY --from=builder /srv/feuilleton /srv/feuilleton
ENV PATH=/opt/feuilleton/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    FEUILLETON_DATABASE_URL=sqlite:////data/feuilleton.db
# What the program keeps beside the database it keeps in ./var.
WORKDIR /data
VOLUME /data
USER 10001:10001
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s --retries=3 \
    CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8000/healthz', timeout=4)"]
CMD ["feuilleton", "run", "--host", "0.0.0.0"]
