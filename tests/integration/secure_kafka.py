"""A real broker that asks who is there: TLS, SASL, client certificates and ACLs."""

import pathlib
import subprocess

from kafka import Kafka, confluent_kafka
from processes import DEADLINE, free_ports

PASSWORD = "s3cret-of-the-broker"


def openssl(directory, *args):
    subprocess.run(["openssl", *args], cwd=directory, check=True,
                   stdin=subprocess.DEVNULL, capture_output=True)


class Authority:
    """A certificate authority of our own, in files of `directory`."""

    def __init__(self, directory, name="ca"):
        self.directory = pathlib.Path(directory)
        self.ca = self.directory / f"{name}.pem"
        self._key = self.directory / f"{name}.key"
        openssl(self.directory, "req", "-x509", "-newkey", "ec", "-pkeyopt",
                "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", f"/CN={name}",
                "-keyout", self._key, "-out", self.ca)

    def issue(self, name):
        """The files of a certificate for `name` on loopback, and of its key."""
        key, request, certificate = (
            self.directory / f"{name}.{suffix}" for suffix in ("key", "csr", "pem"))
        extensions = self.directory / f"{name}.ext"
        extensions.write_text("subjectAltName=IP:127.0.0.1,DNS:localhost\n")
        openssl(self.directory, "req", "-newkey", "ec", "-pkeyopt",
                "ec_paramgen_curve:P-256", "-nodes", "-subj", f"/CN={name}",
                "-keyout", key, "-out", request)
        openssl(self.directory, "x509", "-req", "-days", "2", "-in", request,
                "-CA", self.ca, "-CAkey", self._key, "-CAcreateserial",
                "-extfile", extensions, "-out", certificate)
        return certificate, key


class SecureKafka(Kafka):
    """Listens on three ports: without security, for the tests, who may do all;
    with SASL over TLS; and with TLS to whoever has a certificate.

    There is one user, who is `user` by either proof and may do nothing at first.
    """

    user = "lamplighter"

    def __init__(self, directory):
        directory = pathlib.Path(directory)
        directory.mkdir(exist_ok=True)
        self.authority = Authority(directory)
        self.certificate, self.key = self.authority.issue(self.user)
        port = free_ports(4)
        self.sasl_brokers = f"127.0.0.1:{port + 2}"
        self.tls_brokers = f"127.0.0.1:{port + 3}"
        settings = directory / "settings"
        settings.write_text(self._settings(port, *self.authority.issue("broker")))
        super().__init__(directory, port, KAFKA_SETTINGS=str(settings),
                         KAFKA_SCRAM=f"{self.user}:{PASSWORD}")

    def _settings(self, port, certificate, key):
        keystore = key.with_suffix(".keystore")
        keystore.write_text(key.read_text() + certificate.read_text())
        listeners = (f"PLAINTEXT://127.0.0.1:{port},SASL_SSL://{self.sasl_brokers},"
                     f"SSL://{self.tls_brokers}")
        login = "org.apache.kafka.common.security"
        return f"""\
listeners={listeners},CONTROLLER://127.0.0.1:{port + 1}
advertised.listeners={listeners}
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SASL_SSL:SASL_SSL,SSL:SSL
ssl.keystore.type=PEM
ssl.keystore.location={keystore}
ssl.truststore.type=PEM
ssl.truststore.location={self.authority.ca}
listener.name.ssl.ssl.client.auth=required
ssl.principal.mapping.rules=RULE:^CN=(.*)$/$1/
sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256,SCRAM-SHA-512
listener.name.sasl_ssl.plain.sasl.jaas.config={login}.plain.PlainLoginModule required \
user_{self.user}="{PASSWORD}";
listener.name.sasl_ssl.scram-sha-256.sasl.jaas.config={login}.scram.ScramLoginModule required;
listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config={login}.scram.ScramLoginModule required;
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
super.users=User:ANONYMOUS
"""

    def allow(self, kind, name, *operations):
        """Lets our user do `operations` with a resource of a kind: "TOPIC", "GROUP"
        or "BROKER" (the cluster); `name` is that of all which begin with it.
        """
        api = confluent_kafka().admin
        pattern = api.ResourcePatternType["LITERAL" if kind == "BROKER" else "PREFIXED"]
        acls = [api.AclBinding(api.ResourceType[kind], name, pattern, f"User:{self.user}",
                               "*", api.AclOperation[operation], api.AclPermissionType.ALLOW)
                for operation in operations]
        admin = self.admin()  # has to live for as long as its answers
        for future in admin.create_acls(acls).values():
            future.result(DEADLINE)

    def make_topic(self, name, partitions=4, **settings):
        """Makes a topic as somebody would by Kafka's tools."""
        topic = confluent_kafka().admin.NewTopic(name, partitions, 1, config={
            key.replace("_", "."): value for key, value in settings.items()})
        admin = self.admin()
        for future in admin.create_topics([topic]).values():
            future.result(DEADLINE)
