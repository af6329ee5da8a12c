# SPDX-License-Identifier: Apache-2.0
"""A certificate authority for tests, made with openssl's own commands: it issues, dates back, revokes and publishes."""
import datetime as dt
import pathlib
import subprocess

LOCALHOST = "DNS:localhost,IP:127.0.0.1"
CONFIGURATION = """
[ca]
default_ca = plant
[plant]
database = index.txt
new_certs_dir = .
certificate = ca.pem
private_key = ca.key
crlnumber = crlnumber
rand_serial = yes
default_md = sha256
default_crl_days = 30
policy = any
unique_subject = no
[any]
organizationName = optional
commonName = supplied
"""


def openssl(*arguments, cwd=None, **options):
    answer = subprocess.run(["openssl", *map(str, arguments)], cwd=cwd, capture_output=True, timeout=60, **options)
    assert answer.returncode == 0, "openssl %s: %s" % (" ".join(map(str, arguments)), answer.stderr.decode())
    return answer.stdout.decode()


class Authority:
    """Keys and certificates are NAME.key and NAME.pem in its folder."""

    def __init__(self, folder, name="Plant CA"):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "ca.cnf").write_text(CONFIGURATION)
        (self.folder / "index.txt").write_text("")
        (self.folder / "crlnumber").write_text("01\n")
        self.self_signed("ca", "/O=Plant/CN=" + name, [
            "basicConstraints=critical,CA:TRUE", "keyUsage=critical,keyCertSign,cRLSign"])
        self.publish()

    def __getitem__(self, name):
        return str(self.folder / name)

    def key(self, name):
        openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", name + ".key",
                cwd=self.folder)

    def self_signed(self, name, subject, extensions=()):
        self.key(name)
        added = [part for extension in extensions for part in ("-addext", extension)]
        openssl("req", "-x509", "-new", "-key", name + ".key", "-days", 30, "-subj", subject, *added, "-out",
                name + ".pem", cwd=self.folder)
        return self

    def issue(self, name, names="", days=365, begin=-1, usage="clientAuth", subject=None):
        """A certificate that begins `begin` and ends `days` days from now."""
        self.key(name)
        openssl("req", "-new", "-key", name + ".key", "-subj", subject or "/O=Plant/CN=" + name, "-out", name + ".csr",
                cwd=self.folder)
        extensions = "basicConstraints=critical,CA:FALSE\nextendedKeyUsage=%s\n" % usage
        if names:
            extensions += "subjectAltName=%s\n" % names
        (self.folder / (name + ".ext")).write_text(extensions)
        now = dt.datetime.now(dt.timezone.utc)

        def date(days):
            return (now + dt.timedelta(days=days)).strftime("%Y%m%d%H%M%SZ")
        openssl("ca", "-batch", "-notext", "-config", "ca.cnf", "-in", name + ".csr", "-extfile", name + ".ext",
                "-startdate", date(begin), "-enddate", date(days), "-out", name + ".pem", cwd=self.folder)
        return self

    def revoke(self, name):
        openssl("ca", "-config", "ca.cnf", "-revoke", name + ".pem", cwd=self.folder)
        self.publish()

    def publish(self):
        openssl("ca", "-config", "ca.cnf", "-gencrl", "-out", "ca.crl", cwd=self.folder)

    def fingerprint(self, name):
        """SHA-256 in hexadecimal with colons."""
        return openssl("x509", "-in", name + ".pem", "-noout", "-fingerprint", "-sha256", cwd=self.folder).split("=")[1].strip()

    def server(self, **changes):
        """The `tls:` of a listener with the certificate `server`."""
        return {"certificate": self["server.pem"], "key": self["server.key"], **changes}


def plant(folder):
    """An authority with a server and with clients of every kind."""
    made = Authority(folder)
    made.issue("server", LOCALHOST, usage="serverAuth")
    made.issue("gateway", "DNS:gw.plant.example,IP:127.0.0.9")
    made.issue("deep", "DNS:a.gw.plant.example")
    made.issue("other", "DNS:other.example")
    made.issue("old", days=-1, begin=-9)
    made.issue("ending", days=5)
    made.issue("stolen")
    made.revoke("stolen")
    made.self_signed("lonely", "/CN=lonely")
    made.self_signed("stranger", "/O=Plant/CN=gateway", ["subjectAltName=DNS:gw.plant.example"])
    return made
