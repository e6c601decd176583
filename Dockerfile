# One image per component: docs/guides/images.md says how to build, pin and check them.
#
#   docker build --target api .     targets: api operator worker-network worker-code worker-system worker migrations
#
# Stages named *-environment and tools-* hold what changes with the locks, *-package what changes with the code. A target
# copies the first before the second, so that an upgrade pulls little.

ARG BASE=debian:bookworm-slim
# sha256:… pins the base beyond its tag.
ARG BASE_DIGEST=
ARG VERSION=0.1.0
ARG REVISION=unknown
ARG SOURCE=unknown

# --- what every image has -------------------------------------------------------------------------------------------

FROM ${BASE}${BASE_DIGEST:+@${BASE_DIGEST}} AS base
RUN apt-get update -qq \
 && DEBIAN_FRONTEND=noninteractive apt-get install -qq --yes --no-install-recommends ca-certificates python3 tini \
 && apt-get clean && rm -rf /var/lib/apt/lists/* /var/log/* \
 && groupadd --gid 10001 secapi \
 && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /tmp --shell /usr/sbin/nologin secapi
# Compiled ahead, so nothing is lost by writing no bytecode: the root file system may be read-only.
ENV HOME=/tmp LANG=C.UTF-8 PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 \
    PATH=/opt/secapi/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
# Passes signals on to the component and reaps what scanners leave to process 1.
ENTRYPOINT ["/usr/bin/tini", "--"]

# Components without scanners need nothing but Python: the package manager, Perl, bash and the like go. By a copy of what
# is left, as a layer cannot make those below it smaller. dpkg's database stays, and stays true.
FROM base AS purged
COPY images/purge-base /
RUN /purge-base && rm /purge-base

FROM scratch AS runtime
COPY --from=purged / /
# As in base, whose configuration a copy does not have.
ENV HOME=/tmp LANG=C.UTF-8 PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 \
    PATH=/opt/secapi/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
ENTRYPOINT ["/usr/bin/tini", "--"]

FROM base AS base-network
RUN apt-get update -qq \
 && DEBIAN_FRONTEND=noninteractive apt-get install -qq --yes --no-install-recommends nmap \
 && apt-get clean && rm -rf /var/lib/apt/lists/* /var/log/*

FROM base AS base-code
RUN apt-get update -qq \
 && DEBIAN_FRONTEND=noninteractive apt-get install -qq --yes --no-install-recommends git openssh-client \
 && apt-get clean && rm -rf /var/lib/apt/lists/* /var/log/*

FROM base-network AS base-all
RUN apt-get update -qq \
 && DEBIAN_FRONTEND=noninteractive apt-get install -qq --yes --no-install-recommends git openssh-client \
 && apt-get clean && rm -rf /var/lib/apt/lists/* /var/log/*

# --- what is installed, made with tools that no image has -----------------------------------------------------------

FROM base AS installer
RUN apt-get update -qq \
 && DEBIAN_FRONTEND=noninteractive apt-get install -qq --yes --no-install-recommends binutils python3-pip python3-venv
WORKDIR /build
COPY images/ images/

FROM installer AS tools-network
COPY requirements/backend.lock requirements/
COPY requirements/tools/ requirements/tools/
RUN images/install-tools sslyze ssh-audit

FROM installer AS tools-code
COPY requirements/backend.lock requirements/
COPY requirements/tools/ requirements/tools/
RUN images/install-tools bandit detect-secrets semgrep

FROM installer AS api-environment
COPY requirements/api.lock requirements/
RUN images/make-environment /opt/secapi requirements/api.lock

FROM installer AS operator-environment
COPY requirements/operator.lock requirements/
RUN images/make-environment /opt/secapi requirements/operator.lock

FROM installer AS workers-environment
COPY requirements/workers.lock requirements/
RUN images/make-environment /opt/secapi requirements/workers.lock

FROM installer AS migrations-environment
COPY requirements/migrations.lock requirements/
RUN images/make-environment /opt/secapi requirements/migrations.lock

FROM installer AS build
COPY requirements/build.lock requirements/
RUN images/make-environment /opt/build requirements/build.lock
COPY . .
RUN images/build-wheel

# --- api ------------------------------------------------------------------------------------------------------------

FROM build AS api-package
COPY --from=api-environment /opt/secapi /opt/secapi
COPY --from=runtime /var/lib/dpkg /image/dpkg
RUN images/stage-component api secapi_api

FROM runtime AS api
COPY --from=api-environment /opt/secapi /opt/secapi
COPY --from=api-package /staging /
ENV SECAPI_API_HOST=0.0.0.0
EXPOSE 8080
CMD ["secapi-api"]
USER 10001:10001
ARG VERSION
ARG REVISION
ARG SOURCE
LABEL org.opencontainers.image.title="SecAPI API" \
      org.opencontainers.image.description="SecAPI's REST API" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.source="${SOURCE}"

# --- operator -------------------------------------------------------------------------------------------------------

FROM build AS operator-package
COPY --from=operator-environment /opt/secapi /opt/secapi
COPY --from=runtime /var/lib/dpkg /image/dpkg
RUN images/stage-component operator secapi_operator

FROM runtime AS operator
COPY --from=operator-environment /opt/secapi /opt/secapi
COPY --from=operator-package /staging /
ENV SECAPI_OPERATOR_PROBE_HOST=0.0.0.0
EXPOSE 8081
CMD ["secapi-operator"]
USER 10001:10001
ARG VERSION
ARG REVISION
ARG SOURCE
LABEL org.opencontainers.image.title="SecAPI operator" \
      org.opencontainers.image.description="Turns SecAPI's custom resources into jobs and reports what became of them" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.source="${SOURCE}"

# --- workers: of one pool each, or of both that scan --------------------------------------------------------------------------

FROM build AS worker-network-package
COPY --from=workers-environment /opt/secapi /opt/secapi
COPY --from=tools-network /opt/secapi/tools /opt/secapi/tools
COPY --from=base-network /var/lib/dpkg /image/dpkg
RUN images/stage-component worker-network secapi_workers

FROM base-network AS worker-network
COPY --from=tools-network /opt/secapi/tools /opt/secapi/tools
COPY --from=workers-environment /opt/secapi /opt/secapi
COPY --from=worker-network-package /staging /
ENV SECAPI_WORKER_POOLS=network SECAPI_WORKER_METRICS_HOST=0.0.0.0 SECAPI_WORKER_METRICS_PORT=8082
EXPOSE 8082
CMD ["secapi-worker"]
USER 10001:10001
ARG VERSION
ARG REVISION
ARG SOURCE
LABEL org.opencontainers.image.title="SecAPI network worker" \
      org.opencontainers.image.description="Runs SecAPI's scanners of hosts: nmap, sslyze, ssh-audit" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.source="${SOURCE}"

FROM build AS worker-code-package
COPY --from=workers-environment /opt/secapi /opt/secapi
COPY --from=tools-code /opt/secapi/tools /opt/secapi/tools
COPY --from=base-code /var/lib/dpkg /image/dpkg
RUN images/stage-component worker-code secapi_workers

FROM base-code AS worker-code
COPY --from=tools-code /opt/secapi/tools /opt/secapi/tools
COPY --from=workers-environment /opt/secapi /opt/secapi
COPY --from=worker-code-package /staging /
ENV SECAPI_WORKER_POOLS=code SECAPI_WORKER_METRICS_HOST=0.0.0.0 SECAPI_WORKER_METRICS_PORT=8082
EXPOSE 8082
CMD ["secapi-worker"]
USER 10001:10001
ARG VERSION
ARG REVISION
ARG SOURCE
LABEL org.opencontainers.image.title="SecAPI code worker" \
      org.opencontainers.image.description="Runs SecAPI's scanners of source code: bandit, semgrep, detect-secrets" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.source="${SOURCE}"

FROM build AS worker-system-package
COPY --from=workers-environment /opt/secapi /opt/secapi
COPY --from=runtime /var/lib/dpkg /image/dpkg
RUN images/stage-component worker-system secapi_workers

FROM runtime AS worker-system
COPY --from=workers-environment /opt/secapi /opt/secapi
COPY --from=worker-system-package /staging /
ENV SECAPI_WORKER_POOLS=system SECAPI_WORKER_METRICS_HOST=0.0.0.0 SECAPI_WORKER_METRICS_PORT=8082
EXPOSE 8082
CMD ["secapi-worker"]
USER 10001:10001
ARG VERSION
ARG REVISION
ARG SOURCE
LABEL org.opencontainers.image.title="SecAPI system worker" \
      org.opencontainers.image.description="Tells webhooks of what has happened in SecAPI" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.source="${SOURCE}"

FROM build AS worker-package
COPY --from=workers-environment /opt/secapi /opt/secapi
COPY --from=tools-network /opt/secapi/tools /opt/secapi/tools
COPY --from=tools-code /opt/secapi/tools /opt/secapi/tools
COPY --from=base-all /var/lib/dpkg /image/dpkg
RUN images/stage-component worker secapi_workers

FROM base-all AS worker
COPY --from=tools-network /opt/secapi/tools /opt/secapi/tools
COPY --from=tools-code /opt/secapi/tools /opt/secapi/tools
COPY --from=workers-environment /opt/secapi /opt/secapi
COPY --from=worker-package /staging /
ENV SECAPI_WORKER_METRICS_HOST=0.0.0.0 SECAPI_WORKER_METRICS_PORT=8082
EXPOSE 8082
CMD ["secapi-worker"]
USER 10001:10001
ARG VERSION
ARG REVISION
ARG SOURCE
LABEL org.opencontainers.image.title="SecAPI worker" \
      org.opencontainers.image.description="Runs all of SecAPI's scanners" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.source="${SOURCE}"

# --- migrations -----------------------------------------------------------------------------------------------------

FROM build AS migrations-package
COPY --from=migrations-environment /opt/secapi /opt/secapi
COPY --from=runtime /var/lib/dpkg /image/dpkg
RUN images/stage-component migrations secapi_migrations

FROM runtime AS migrations
COPY --from=migrations-environment /opt/secapi /opt/secapi
COPY --from=migrations-package /staging /
CMD ["secapi-migrate"]
USER 10001:10001
ARG VERSION
ARG REVISION
ARG SOURCE
LABEL org.opencontainers.image.title="SecAPI migrations" \
      org.opencontainers.image.description="Brings SecAPI's database to the newest schema" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.source="${SOURCE}"
