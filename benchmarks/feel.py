"""FEEL against feelin 8.2 in Node, in one run: four expressions of connectors, cold and cached.

``python -m benchmarks.feel [DIRECTORY]``, with DIRECTORY one where `npm install feelin@8.2.0` was run. Cold is reading,
compiling and evaluating; cached is what a worker does from the second job on. feelin has no compiled form.
"""

import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "worker"))

ROUNDS = 7
CALLS = 1000

EXPRESSIONS = {
    "A": "{sent: response.sent, id: response.body.id}",
    "B": 'if error.code = "404" then bpmnError("404", "x") else null',
    "C": "{total: sum(for i in items return i.qty), many: items[qty > 1].sku, n: count(items)}",
    "D": 'if status = "ok" and total > 10 then {text: "Total: " + string(total), due: date(day) + duration("P14D")} '
    'else {name: upper case(name), parts: split(name, " ")}',
}
VARIABLES = {
    "response": {"sent": True, "body": {"id": "abc"}},
    "error": {"code": "404", "message": "not found"},
    "items": [{"sku": "a", "qty": 1}, {"sku": "b", "qty": 2}, {"sku": "c", "qty": 3}],
    "status": "ok",
    "total": 12.5,
    "day": "2026-01-31",
    "name": "foo bar",
}
LIMITS_US = {"cold": 150, "cached": 20}
LIMIT_IMPORT_MS = 60


def main() -> None:
    with TemporaryDirectory() as cache:
        import_ms = min(import_time_ms(cache) for _ in range(6))
    print(f"{platform.machine()}, Python {platform.python_version()}")
    print(f"import: {import_ms:.0f} ms (limit {LIMIT_IMPORT_MS} ms)")
    ours = measure()
    theirs = feelin(Path(sys.argv[1])) if len(sys.argv) > 1 else {}
    print(f"{'':3}{'cold µs':>9}{'cached µs':>11}{'feelin µs':>11}{'cold':>7}{'cached':>8}")
    for name, (cold, cached) in ours.items():
        line = f"{name:3}{cold:9.1f}{cached:11.1f}"
        if name in theirs:
            line += f"{theirs[name]:11.1f}{theirs[name] / cold:6.1f}x{theirs[name] / cached:7.1f}x"
        print(line)
    slow = [name for name, times in ours.items() if times[0] > LIMITS_US["cold"] or times[1] > LIMITS_US["cached"]]
    if slow or import_ms > LIMIT_IMPORT_MS:
        sys.exit(f"Slower than promised: {', '.join(slow) or 'the import'}")


def measure() -> dict[str, tuple[float, float]]:
    from zeebe_mail.feel import HostFunctions, compile_expression

    functions = HostFunctions()

    @functions.register("bpmnError(errorCode: string, errorMessage: string)")
    def bpmn_error(code: str, message: str) -> dict[str, Any]:
        return {"errorType": "bpmnError", "errorCode": code, "errorMessage": message}

    times = {}
    for name, text in EXPRESSIONS.items():

        def cold(text: str = text) -> None:
            compile_expression.__wrapped__(text, functions).evaluate(VARIABLES)

        def cached(text: str = text) -> None:
            compile_expression(text, functions).evaluate(VARIABLES)

        times[name] = best_us(cold), best_us(cached)
    return times


def best_us(call: Callable[[], None]) -> float:
    """The fastest round: the others tell about the machine, not about the code."""
    rounds = []
    for _ in range(ROUNDS):
        begin = time.perf_counter()
        for _ in range(CALLS):
            call()
        rounds.append((time.perf_counter() - begin) / CALLS * 1e6)
    return min(rounds)


def import_time_ms(cache: str) -> float:
    """From bytecode, as it is installed."""
    code = "import time; t = time.perf_counter(); import zeebe_mail.feel; print((time.perf_counter() - t) * 1e3)"
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    environment |= {"PYTHONPATH": str(HERE.parent / "worker"), "PYTHONPYCACHEPREFIX": cache}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, env=environment)
    return float(done.stdout)


def feelin(directory: Path) -> dict[str, float]:
    script = (HERE / "feel_feelin.mjs").read_text("utf-8")
    copy = directory / "feel_feelin.mjs"  # imports are looked up beside the script
    copy.write_text(script, "utf-8")
    given = json.dumps({"expressions": EXPRESSIONS, "variables": VARIABLES, "rounds": ROUNDS, "calls": CALLS})
    done = subprocess.run(["node", copy.name], input=given.encode(), capture_output=True, check=True, cwd=directory)
    return dict(json.loads(done.stdout))


if __name__ == "__main__":
    main()
