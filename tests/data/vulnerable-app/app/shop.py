"""A shop that nobody should open. Never imported or run: its mistakes are what scanners have to find."""

import hashlib
import pickle
import sqlite3
import subprocess

from flask import Flask, request

app = Flask(__name__)
app.secret_key = "correct-horse-battery"


@app.route("/basket")
def basket():
    return pickle.loads(request.data)


@app.route("/item")
def item():
    connection = sqlite3.connect("shop.db")
    return connection.execute(f"SELECT * FROM items WHERE name = '{request.args['name']}'").fetchall()


@app.route("/photo")
def photo():
    return open("photos/" + request.args.get("name")).read()


@app.route("/resize")
def resize():
    subprocess.call("convert " + request.args.get("options"), shell=True)
    return hashlib.md5(request.data).hexdigest()


@app.route("/resize-again")
def resize_again():
    subprocess.call("convert " + request.args.get("options"), shell=True)
    return "ok"


if __name__ == "__main__":
    app.run(debug=True)
