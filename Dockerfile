# The service with both stores. Exactly the locked packages, no compiler and no root in the result.
FROM python:3.13-slim AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_NO_INPUT=1
RUN python -m venv /opt/graphsvc
WORKDIR /src
# The locked packages first: this layer stays while only the code changes.
COPY requirements/server.lock requirements/server.lock
RUN /opt/graphsvc/bin/pip install -q --require-hashes -r requirements/server.lock
COPY pyproject.toml README.md LICENSE ./
COPY graphsvc graphsvc
COPY cypher cypher
RUN pip wheel -q --no-deps -w /tmp/wheel . && /opt/graphsvc/bin/pip install -q --no-deps /tmp/wheel/*.whl

FROM python:3.13-slim
COPY --from=build /opt/graphsvc /opt/graphsvc
RUN install -d -o 65532 -g 65532 /var/lib/graphsvc
ENV PATH=/opt/graphsvc/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 HOME=/var/lib/graphsvc
WORKDIR /var/lib/graphsvc
USER 65532:65532
VOLUME /var/lib/graphsvc
EXPOSE 8080
ENTRYPOINT ["graphsvc"]
CMD ["serve", "--host", "0.0.0.0"]
