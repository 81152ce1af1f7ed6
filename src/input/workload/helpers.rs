//! Containers that serve no model: proxies, databases, monitoring, and what brings files.

/// Images by the last part of their name, and containers by theirs.
const HELPERS: &[&str] = &[
    "adminer",
    "airflow",
    "alertmanager",
    "all-in-one",
    "alpine",
    "aws-cli",
    "azure-cli",
    "bash",
    "busybox",
    "caddy",
    "cadvisor",
    "cassandra",
    "certbot",
    "clickhouse-server",
    "cloud-sdk",
    "cloud-sql-proxy",
    "cloudsql-proxy",
    "consul",
    "cp-kafka",
    "cp-zookeeper",
    "curl",
    "datadog-agent",
    "dcgm-exporter",
    "docker",
    "eclipse-mosquitto",
    "elasticsearch",
    "envoy",
    "etcd",
    "filebeat",
    "flower",
    "fluent-bit",
    "fluentd",
    "gce-proxy",
    "git-sync",
    "gpu-feature-discovery",
    "grafana",
    "grafana-oss",
    "haproxy",
    "influxdb",
    "istio-proxy",
    "jaeger",
    "jaeger-agent",
    "k8s-device-plugin",
    "kafka",
    "keycloak",
    "kibana",
    "kube-rbac-proxy",
    "kubectl",
    "linkerd-proxy",
    "localstack",
    "logstash",
    "loki",
    "mailhog",
    "mariadb",
    "mc",
    "memcached",
    "milvus",
    "minio",
    "mongo",
    "mongo-express",
    "mongodb",
    "mysql",
    "nats",
    "neo4j",
    "nginx",
    "nginx-unprivileged",
    "oauth2-proxy",
    "opensearch",
    "opentelemetry-collector",
    "opentelemetry-collector-contrib",
    "otel-collector",
    "pause",
    "percona",
    "pgadmin4",
    "pgbouncer",
    "pgvector",
    "portainer",
    "portainer-ce",
    "postgis",
    "postgres",
    "postgresql",
    "prometheus",
    "promtail",
    "proxyv2",
    "pushgateway",
    "qdrant",
    "queue-proxy",
    "rabbitmq",
    "rclone",
    "redis",
    "redis-insight",
    "redis-stack",
    "redis-stack-server",
    "redpanda",
    "registry",
    "storage-initializer",
    "tempo",
    "timescaledb",
    "traefik",
    "valkey",
    "vault",
    "vault-agent",
    "vector",
    "watchtower",
    "weaviate",
    "zipkin",
    "zookeeper",
];

/// Whether a container is known to be no model server.
pub(in crate::input) fn is_helper(name: &str, image: Option<&str>) -> bool {
    let known =
        |word: &str| HELPERS.binary_search(&word).is_ok() || word.ends_with("-exporter") || word.ends_with("_exporter");
    // A container may be called `nginx` and be built from anything; its image says more, where there is one.
    let base = |image: &str| {
        let image = image.split('@').next().unwrap_or_default();
        let last = image.rsplit('/').next().unwrap_or_default();
        last.split(':').next().unwrap_or_default().to_ascii_lowercase()
    };
    image.map(base).is_some_and(|base| known(&base)) || SIDECARS.contains(&name) || (image.is_none() && known(name))
}

/// Names of containers that tools put beside others, whatever their image is called.
const SIDECARS: [&str; 9] = [
    "istio-proxy",
    "linkerd-proxy",
    "envoy",
    "queue-proxy",
    "cloudsql-proxy",
    "cloud-sql-proxy",
    "fluent-bit",
    "vault-agent",
    "storage-initializer",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn helpers_are_known_by_image() {
        assert!(HELPERS.is_sorted(), "the list is searched by halves");
        for image in [
            "redis:7",
            "docker.example/library/postgres:16-alpine",
            "nginx",
            "prom/node-exporter:v1",
            "envoy@sha256:00",
        ] {
            assert!(is_helper("x", Some(image)), "{image}");
        }
        for image in ["registry.example/nginx-models:1", "python:3.11", "registry.example:5000/serve"] {
            assert!(!is_helper("nginx", Some(image)), "{image}");
        }
        assert!(is_helper("istio-proxy", Some("auto")));
        assert!(is_helper("redis", None));
    }
}
