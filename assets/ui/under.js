/* What is said and can be done about the film on the stage. value: {what, facts, notes: [], verbs: [{act, label}],
 * job} or null. Event: 'act' {act, job}. */
const root = element.querySelector('.under'), find = selector => root.querySelector(selector);

function apply() {
  const value = props.value ?? {};
  root.hidden = !value.what;
  find('.what').textContent = value.what ?? '';
  find('.facts').textContent = value.facts ?? '';
  find('.notes').replaceChildren(...(value.notes ?? []).map(text => Object.assign(document.createElement('p'), { className: 'note', textContent: text })));
  keep(find('.verbs'), value.verbs ?? [], 'act', verb, root);
}

const verb = ({ label }, made = document.createElement('button')) => Object.assign(made, { type: 'button', textContent: label });

find('.verbs').addEventListener('click', event => {
  const made = event.target.closest('button');
  if (made) trigger('act', { act: made.dataset.act, job: props.value.job });
});
watch('value', apply);
apply();
