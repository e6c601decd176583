// Examples for the rules in javascript.yaml: a line after "ruleid" must be found, one after "ok" must not.
const child_process = require("child_process");
const { exec } = require("child_process");
const crypto = require("crypto");
const fs = require("fs");
const https = require("https");
const jwt = require("jsonwebtoken");
const path = require("path");
const vm = require("vm");

function commands(name, req) {
  // ruleid: secapi.javascript.command-injection
  child_process.exec("ls " + name);
  // ruleid: secapi.javascript.command-injection
  exec(`ls ${name}`);
  // ruleid: secapi.javascript.command-injection
  child_process.execSync(req.query.command);
  // ok: secapi.javascript.command-injection
  child_process.execFile("ls", [name]);
  // ok: secapi.javascript.command-injection
  child_process.exec("ls -l");
}

function code(text) {
  // ruleid: secapi.javascript.code-injection
  eval(text);
  // ruleid: secapi.javascript.code-injection
  new Function("a", text);
  // ruleid: secapi.javascript.code-injection
  vm.runInThisContext(text);
  // ok: secapi.javascript.code-injection
  eval("1 + 1");
}

function sql(database, id) {
  // ruleid: secapi.javascript.sql-injection
  database.query("SELECT * FROM users WHERE id = " + id);
  // ruleid: secapi.javascript.sql-injection
  database.query(`DELETE FROM users WHERE id = ${id}`);
  // ok: secapi.javascript.sql-injection
  database.query("SELECT * FROM users WHERE id = $1", [id]);
  // ok: secapi.javascript.sql-injection
  database.get("/users/" + id);
}

function tls(url) {
  // ruleid: secapi.javascript.tls-verification-disabled
  https.get(url, { rejectUnauthorized: false });
  // ruleid: secapi.javascript.tls-verification-disabled
  process.env.NODE_TLS_REJECT_UNAUTHORIZED = "0";
  // ok: secapi.javascript.tls-verification-disabled
  https.get(url, { rejectUnauthorized: true });
}

function hashes(data) {
  // ruleid: secapi.javascript.weak-hash
  crypto.createHash("md5").update(data);
  // ok: secapi.javascript.weak-hash
  crypto.createHash("sha256").update(data);
}

function markup(element, text) {
  // ruleid: secapi.javascript.cross-site-scripting
  element.innerHTML = text;
  // ruleid: secapi.javascript.cross-site-scripting
  document.write("<p>" + text);
  // ok: secapi.javascript.cross-site-scripting
  element.innerHTML = "<p></p>";
  // ok: secapi.javascript.cross-site-scripting
  element.textContent = text;
}

function paths(req, res) {
  // ruleid: secapi.javascript.path-traversal
  fs.readFile("uploads/" + req.query.name, () => {});
  const name = req.params.name;
  // ruleid: secapi.javascript.path-traversal
  res.sendFile(path.join("uploads", name));
  // ok: secapi.javascript.path-traversal
  res.sendFile(path.basename(req.params.name));
}

function randomness(user) {
  // ruleid: secapi.javascript.insecure-random
  const sessionId = Math.random().toString(36);
  // ruleid: secapi.javascript.insecure-random
  user.resetToken = "x" + Math.random();
  // ok: secapi.javascript.insecure-random
  const dice = Math.floor(Math.random() * 6);
  return [sessionId, dice];
}

function tokens(token, key, claims) {
  // ruleid: secapi.javascript.jwt-not-verified
  jwt.verify(token, key, { algorithms: ["HS256", "none"] });
  // ok: secapi.javascript.jwt-not-verified
  jwt.verify(token, key, { algorithms: ["HS256"] });
}
