"""The first thing that runs in a task of an Executor: it fetches runner.py from there, checks that it comes from who knows
the task's key, and begins it. This text is in the task's environment, so it is short, and old Pythons can read it: they are
told that they are too old."""

import hmac, os, socket, sys, time  # noqa: E401

place = os.environ["ZMESOS_FUNCTION_ADDRESS"]
task, key = os.environ["ZMESOS_FUNCTION_TASK"], bytes.fromhex(os.environ["ZMESOS_FUNCTION_KEY"])
host, port = place.rsplit(":", 1)


def sign(key, data):
    return hmac.new(key, data, "sha256").digest()


def fetch():
    with socket.create_connection((host.strip("[]"), int(port)), 60) as link, link.makefile("rb") as reader:
        challenge, answer = reader.read(34)[18:], os.urandom(16)
        words = task, sys.implementation.name, "%d.%d" % sys.version_info[:2], "", "runner"
        hello = answer + "\n".join(words).encode()
        link.sendall(len(hello).to_bytes(2, "big") + hello + sign(key, b"hello" + challenge + hello))
        head = reader.read(9)
        body = reader.read(int.from_bytes(head[1:], "big"))
        session = sign(key, b"session" + challenge + answer)
        if not hmac.compare_digest(sign(session, bytes(9) + head + body), reader.read(32)):
            raise OSError("that is not who has launched this task")
        return head[0], body


def begin():
    start = time.time()
    while True:
        try:
            return fetch()
        except OSError as error:
            if time.time() - start > (5 if isinstance(error, ConnectionRefusedError) else 60):
                sys.stderr.write("zmesos: %s could not be reached from here: %s\n" % (place, error))
                sys.exit(76)
        time.sleep(0.2)


kind, text = begin()
if kind != 2:  # MODULE
    sys.stderr.write("zmesos: %s\n" % (text.decode() or "the function's result is not wanted any more"))
    sys.exit(77 if text else 0)
names = {"__name__": "zmesos_runner", "__file__": "zmesos-runner"}
exec(compile(text, "zmesos-runner", "exec"), names)
sys.exit(names["main"]())
