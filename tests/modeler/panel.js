// The Modeler's parts in a page, and hands for its properties panel: fields are found by group and label, as people do.
import Modeler from 'bpmn-js/lib/Modeler';
import { BpmnPropertiesPanelModule, BpmnPropertiesProviderModule, ZeebePropertiesProviderModule } from 'bpmn-js-properties-panel';
import { CloudElementTemplatesPropertiesProviderModule } from 'bpmn-js-element-templates';
import ZeebeBehaviors from 'camunda-bpmn-js-behaviors/lib/camunda-cloud';
import zeebe from 'zeebe-bpmn-moddle/resources/zeebe.json';
import 'bpmn-js/dist/assets/diagram-js.css';
import 'bpmn-js/dist/assets/bpmn-js.css';
import 'bpmn-js/dist/assets/bpmn-font/css/bpmn-embedded.css';
import '@bpmn-io/properties-panel/dist/assets/properties-panel.css';
import 'bpmn-js-element-templates/dist/assets/element-templates.css';

const TASK = 'task';
const GROUP = 'ElementTemplates__CustomProperties-';
let modeler;

async function load(templates) {
  modeler = new Modeler({
    container: '#canvas',
    propertiesPanel: { parent: '#panel' },
    debounceInput: false,
    additionalModules: [
      BpmnPropertiesPanelModule, BpmnPropertiesProviderModule, ZeebePropertiesProviderModule,
      CloudElementTemplatesPropertiesProviderModule, ZeebeBehaviors,
    ],
    moddleExtensions: { zeebe },
  });
  const errors = [];
  modeler.on('elementTemplates.errors', event => errors.push(...event.errors.map(error => error.message)));
  modeler.get('elementTemplatesLoader').setTemplates(templates);
  return { errors, known: modeler.get('elementTemplates').getAll().length };
}

async function apply(xml, id) {
  const { warnings } = await modeler.importXML(xml);
  await painted();
  const task = modeler.get('elementRegistry').get(TASK);
  const templates = modeler.get('elementTemplates');
  const applied = templates.applyTemplate(task, templates.getLatest(id)[0]);
  modeler.get('canvas').zoom('fit-viewport');
  modeler.get('selection').select(applied);
  await painted();
  return warnings.map(warning => warning.message);
}

const painted = () => new Promise(done => requestAnimationFrame(() => setTimeout(done)));

function fields() {
  return [...document.querySelectorAll(`[data-group-id^="group-${GROUP}"]`)].flatMap(group =>
    [...group.querySelectorAll('[data-entry-id^="custom-entry-"]')].map(entry => ({
      group: group.dataset.groupId.slice(`group-${GROUP}`.length),
      label: entry.querySelector('label').childNodes[0].textContent.trim() || entry.querySelector('label').textContent.trim(),
      error: entry.querySelector('.bio-properties-panel-error')?.textContent ?? null,
      entry,
    })));
}

function find(group, label) {
  const found = fields().filter(field => field.group === group && field.label === label);
  if (found.length !== 1) throw new Error(`${found.length} fields "${label}" are shown in the group ${group}`);
  return found[0].entry;
}

// Every field that is shown now: its group and label, what is wrong with it, what can be chosen.
const shown = () => fields().map(({ group, label, error, entry }) => ({
  group, label, error,
  choices: [...entry.querySelectorAll('select option')].map(option => option.label),
}));

// A choice may bring other fields, so the page is painted before the next one is looked for.
async function fillAll(values) {
  for (const [group, label, value] of values) await fill(group, label, value);
  await painted();
}

async function fill(group, label, value) {
  const entry = find(group, label);
  const select = entry.querySelector('select');
  const tick = entry.querySelector('input[type=checkbox]');
  if (select) {
    const option = [...select.options].find(one => one.label === value);
    if (!option) throw new Error(`"${label}" has no choice "${value}"`);
    select.value = option.value;
    select.dispatchEvent(new Event('input', { bubbles: true }));
    await painted();
  } else if (tick && typeof value === 'boolean') {
    if (tick.checked !== value) tick.click();
  } else {
    await type(group, label, String(value));
  }
}

async function type(group, label, text) {
  const isExpression = text.startsWith('=');
  const editor = () => find(group, label).querySelector('.cm-content');
  for (let tries = 0; isExpression !== !!editor(); tries++) {
    if (tries === 20) throw new Error(`"${label}" in the group ${group} cannot be switched to ${isExpression ? 'FEEL' : 'text'}`);
    find(group, label).querySelector('.bio-properties-panel-feel-icon').click();
    await painted();
  }
  if (isExpression) {
    const view = editor().cmTile.root.view;
    view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: text.slice(1) } });
    return;
  }
  const input = find(group, label).querySelector('textarea, input:not([type=checkbox])');
  input.focus();
  input.value = text;
  input.dispatchEvent(new Event('input', { bubbles: true }));
  input.blur();
}

const xml = async () => (await modeler.saveXML({ format: true })).xml;

window.panel = { load, apply, shown, fillAll, xml };
