// Times feelin for benchmarks/feel.py: expressions and variables in, microseconds for each expression out.
import { readFileSync } from "node:fs";
import { evaluate } from "feelin";

const { expressions, variables, rounds, calls } = JSON.parse(readFileSync(0, "utf-8"));
const bpmnError = (errorCode, errorMessage) => ({ errorType: "bpmnError", errorCode, errorMessage });
const context = { ...variables, bpmnError };
const times = {};

for (const [name, text] of Object.entries(expressions)) {
  times[name] = Infinity;
  for (let round = 0; round < rounds; round++) {
    const begin = performance.now();
    for (let call = 0; call < calls; call++) {
      evaluate(text, context, "camunda");
    }
    times[name] = Math.min(times[name], ((performance.now() - begin) / calls) * 1000);
  }
}
console.log(JSON.stringify(times));
