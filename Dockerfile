# The runner and this repository's scripts; `apply` when nothing else is said. docs/operations.md tells how to run it.
# The extra `embedded` is left out: a forgotten variable is an error here, not another database.

# Any image with Debian's tools, Python 3.11 or newer, pip and venv.
ARG BASE=python:3.13-slim

FROM ${BASE} AS build
WORKDIR /app
COPY requirements/runtime.txt /tmp/
RUN python -m venv --without-pip /venv \
    && python -m pip --python /venv/bin/python install --no-cache-dir --no-input --only-binary :all: \
        --require-hashes -r /tmp/runtime.txt
COPY manifest.toml field_mappings.json schema.lock.toml ./
COPY sql sql
COPY runner runner
# Nothing can be written when it runs, so modules and templates (those by `check`) are compiled here. It may run as another
# user than the one whose umask made these files.
RUN python -m compileall -q --invalidation-mode unchecked-hash runner && /venv/bin/python -m runner check \
    && chmod -R u=rwX,go=rX /app

FROM ${BASE}
ENV PATH=/venv/bin:$PATH
WORKDIR /app
COPY --from=build /venv /venv
COPY --from=build /app /app
# A number, so that Kubernetes can tell that it is not root.
USER 10001:10001
ENTRYPOINT ["python", "-m", "runner"]
CMD ["apply", "--wait", "60"]
