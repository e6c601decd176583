"""Examples for the rules in python.yaml: a line after "ruleid" must be found, one after "ok" must not. Never imported or run: what is wrong here has to be."""
import asyncio, hashlib, marshal, os, pathlib, pickle, random, secrets, shutil, ssl, subprocess, tarfile, tempfile

import flask, httpx, jinja2, jwt, requests, yaml
from Crypto.Cipher import AES, DES
from cryptography.hazmat.primitives.ciphers import modes
from flask import request
from werkzeug.utils import secure_filename


def commands(name):
    # ruleid: secapi.python.command-injection
    os.system("ls " + name)
    # ruleid: secapi.python.command-injection
    subprocess.run(f"ls {name}", shell=True)
    # ruleid: secapi.python.command-injection
    subprocess.Popen(name, stdout=None, shell=True)
    # ok: secapi.python.command-injection
    subprocess.run(["ls", name])
    # ok: secapi.python.command-injection
    subprocess.run("ls -l", shell=True)
    # ok: secapi.python.command-injection
    os.system("true")


def code(text):
    # ruleid: secapi.python.code-injection
    eval(text)
    # ruleid: secapi.python.code-injection
    exec("x = " + text)
    # ok: secapi.python.code-injection
    eval("1 + 1")


def sql(cursor, name):
    # ruleid: secapi.python.sql-injection
    cursor.execute(f"SELECT * FROM users WHERE name = '{name}'")
    # ruleid: secapi.python.sql-injection
    cursor.execute("SELECT * FROM users WHERE name = '%s'" % name)
    # ruleid: secapi.python.sql-injection
    cursor.execute("SELECT * FROM users WHERE name = " + name)
    # ruleid: secapi.python.sql-injection
    cursor.executemany("DELETE FROM {}".format(name))
    # ok: secapi.python.sql-injection
    cursor.execute("SELECT * FROM users WHERE name = %s", (name,))
    # ok: secapi.python.sql-injection
    print("SELECT " + name)


def deserialization(data, file):
    # ruleid: secapi.python.unsafe-deserialization
    pickle.loads(data)
    # ruleid: secapi.python.unsafe-deserialization
    marshal.load(file)
    # ok: secapi.python.unsafe-deserialization
    pickle.dumps(data)
    # ruleid: secapi.python.unsafe-yaml-load
    yaml.load(data)
    # ruleid: secapi.python.unsafe-yaml-load
    yaml.load(data, Loader=yaml.Loader)
    # ruleid: secapi.python.unsafe-yaml-load
    yaml.load(data, yaml.UnsafeLoader)
    # ok: secapi.python.unsafe-yaml-load
    yaml.load(data, Loader=yaml.SafeLoader)
    # ok: secapi.python.unsafe-yaml-load
    yaml.load(data, Loader=yaml.CSafeLoader)
    # ok: secapi.python.unsafe-yaml-load
    yaml.safe_load(data)


def cryptography(data, key):
    # ruleid: secapi.python.weak-hash
    hashlib.md5(data)
    # ruleid: secapi.python.weak-hash
    hashlib.new("sha1", data)
    # ok: secapi.python.weak-hash
    hashlib.md5(data, usedforsecurity=False)
    # ok: secapi.python.weak-hash
    hashlib.sha256(data)
    # ruleid: secapi.python.weak-cipher
    DES.new(key)
    # ruleid: secapi.python.weak-cipher
    AES.new(key, AES.MODE_ECB)
    # ruleid: secapi.python.weak-cipher
    modes.ECB()
    # ok: secapi.python.weak-cipher
    AES.new(key, AES.MODE_GCM)


def tls(url, context):
    # ruleid: secapi.python.tls-verification-disabled
    requests.get(url, verify=False)
    # ruleid: secapi.python.tls-verification-disabled
    httpx.AsyncClient(verify=False)
    # ruleid: secapi.python.tls-verification-disabled
    ssl._create_unverified_context()
    # ruleid: secapi.python.tls-verification-disabled
    context.check_hostname = False
    # ruleid: secapi.python.tls-verification-disabled
    context.verify_mode = ssl.CERT_NONE
    # ok: secapi.python.tls-verification-disabled
    requests.get(url, verify="/etc/ca.pem")


def randomness(user):
    # ruleid: secapi.python.insecure-random
    reset_token = str(random.randint(0, 10**9))
    # ruleid: secapi.python.insecure-random
    user.api_key = "".join(random.choice("abc") for _ in range(20))
    # ok: secapi.python.insecure-random
    dice = random.randint(1, 6)
    # ok: secapi.python.insecure-random
    token = secrets.token_hex()
    return reset_token, dice, token


def debug(app, settings):
    # ruleid: secapi.python.debug-mode
    app.run(host="127.0.0.1", debug=True)
    # ok: secapi.python.debug-mode
    app.run(debug=settings.debug)


# ruleid: secapi.python.debug-mode
DEBUG = True


def paths():
    # ruleid: secapi.python.path-traversal
    open("uploads/" + request.args.get("name"))
    name = request.form.get("name")
    # ruleid: secapi.python.path-traversal
    pathlib.Path("uploads", name).read_text()
    # ok: secapi.python.path-traversal
    open("uploads/" + secure_filename(request.args.get("name")))
    # ok: secapi.python.path-traversal
    open("fixed.txt")


def fetching():
    # ruleid: secapi.python.server-side-request-forgery
    requests.get(request.args.get("url"))
    address = flask.request.args["url"]
    # ruleid: secapi.python.server-side-request-forgery
    httpx.get(address)
    # ok: secapi.python.server-side-request-forgery
    requests.get("https://example.com", params={"q": request.args.get("q")})


def tokens(token, key):
    # ruleid: secapi.python.jwt-not-verified
    jwt.decode(token, options={"verify_signature": False})
    # ruleid: secapi.python.jwt-not-verified
    jwt.decode(token, key, algorithms=["HS256", "none"])
    # ok: secapi.python.jwt-not-verified
    jwt.decode(token, key, algorithms=["HS256"])


def templates(loader):
    # ruleid: secapi.python.template-autoescape-off
    jinja2.Environment(loader=loader)
    # ok: secapi.python.template-autoescape-off
    jinja2.Environment(loader=loader, autoescape=True)
    # ok: secapi.python.template-autoescape-off
    jinja2.Environment(autoescape=jinja2.select_autoescape())


def archives(path):
    with tarfile.open(path) as archive:
        # ruleid: secapi.python.archive-extraction
        archive.extractall("out")
    with tarfile.open(path) as archive:
        # ok: secapi.python.archive-extraction
        archive.extractall("out", filter="data")
    # ruleid: secapi.python.archive-extraction
    shutil.unpack_archive(path)
    # ruleid: secapi.python.predictable-temporary-file
    tempfile.mktemp()
    # ok: secapi.python.predictable-temporary-file
    tempfile.mkstemp()


def passwords(connect, environ):
    # ruleid: secapi.python.hardcoded-password
    db_password = "correct horse"
    # ruleid: secapi.python.hardcoded-password
    connect(user="admin", password="battery staple")
    # ok: secapi.python.hardcoded-password
    password = environ["PASSWORD"]
    # ok: secapi.python.hardcoded-password
    password_label = "Your password"
    # ok: secapi.python.hardcoded-password
    api_key = "${API_KEY}"
    return db_password, password, password_label, api_key
