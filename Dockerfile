# The service's image. Both bases are build arguments, so that it builds on the
# published Python as on one bootstrapped locally. Which Python that is, and of
# which Debian, is said here alone: k8s/cluster/python.py reads it.
# Wheels are fetched outside, by their hashes, and installed offline.
ARG BASE_IMAGE=python:3.13-slim-trixie
ARG BUILD_IMAGE=${BASE_IMAGE}

FROM ${BUILD_IMAGE} AS build
COPY requirements.lock /build/
COPY wheels /build/wheels
RUN python3 -m venv --without-pip /opt/venv \
 && python3 -m pip --python /opt/venv/bin/python install --quiet --no-index --find-links /build/wheels \
      --no-deps --require-hashes --no-compile --requirement /build/requirements.lock
COPY service /opt/app/service
# Files in the image cannot be written to, so bytecode must come with them.
RUN python3 -m compileall -q -j 0 --invalidation-mode unchecked-hash /opt/venv/lib /opt/app

FROM ${BASE_IMAGE}
# Published images of Python come without the standard library's bytecode; Debian's package has it, and nothing is done.
RUN python3 -m compileall -q -j 0 -x site-packages --invalidation-mode unchecked-hash \
      "$(python3 -c 'import sysconfig; print(sysconfig.get_path("stdlib"))')"
COPY --from=build /opt /opt
ARG REVISION=unknown
# uvloop looks names up on four threads: while Redis' name is not found, the database's would wait behind it.
ENV UV_THREADPOOL_SIZE=32 \
    PATH=/opt/venv/bin:$PATH \
    PYTHONPATH=/opt/app \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    USERS_API_HOST=:: \
    USERS_API_REVISION=${REVISION}
LABEL org.opencontainers.image.title="users-api" \
      org.opencontainers.image.revision=${REVISION}
WORKDIR /opt/app
USER 10001:10001
EXPOSE 8000
ENTRYPOINT ["python", "-m", "service"]
