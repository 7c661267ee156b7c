// A page with the Modeler's parts in headless Chromium. Reads a call as a line of JSON, `[name, ...arguments]`, and answers with one.
import { createInterface } from 'node:readline';
import { build } from 'esbuild';
import { chromium } from 'playwright-core';
import { validateZeebe } from '@bpmn-io/element-templates-validator';
import { Linter } from 'bpmnlint';
import NodeResolver from 'bpmnlint/lib/resolver/node-resolver.js';
import { BpmnModdle } from 'bpmn-moddle';
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);
const here = new URL('.', import.meta.url).pathname;
const embedded = Object.fromEntries(['.svg', '.woff', '.woff2', '.ttf', '.eot'].map(kind => [kind, 'dataurl']));
await build({
  absWorkingDir: here, entryPoints: ['panel.js'], bundle: true, outdir: 'node_modules/.panel', loader: embedded, logLevel: 'error',
});
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM, args: ['--no-sandbox', '--disable-lcd-text'] });
const page = await browser.newPage({ viewport: { width: 1200, height: 800 } });
await page.goto(`file://${here}panel.html`);
const rules = { extends: ['bpmnlint:recommended', 'plugin:camunda-compat/camunda-cloud-8-6'] };

const calls = {
  validate: template => validateZeebe(template).errors?.map(error => error.message) ?? [],
  async lint(xml) {
    const moddle = new BpmnModdle({ zeebe: require('zeebe-bpmn-moddle/resources/zeebe.json') });
    const { rootElement } = await moddle.fromXML(xml);
    // Rules keep what they saw, so each diagram has a linter of its own.
    const linter = new Linter({ config: rules, resolver: new NodeResolver({ require }) });
    const findings = await linter.lint(rootElement);
    return Object.entries(findings).flatMap(([rule, found]) => found.map(one => `${rule}: ${one.message}`));
  },
  async picture(file) {
    await page.evaluate(() => document.body.classList.add('portrait'));
    await page.locator('#panel').screenshot({ path: file });
    await page.evaluate(() => document.body.classList.remove('portrait'));
  },
};

for await (const line of createInterface({ input: process.stdin })) {
  const [name, ...given] = JSON.parse(line);
  let answer;
  try {
    const call = calls[name] ?? ((...args) => page.evaluate(([name, args]) => window.panel[name](...args), [name, args]));
    answer = { value: (await call(...given)) ?? null };
  } catch (error) {
    answer = { error: error.message };
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
await browser.close();
