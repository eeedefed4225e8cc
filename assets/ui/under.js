/* What is said and can be done about the film on the stage. value: {what, facts, notes: [], verbs: [{act, label, why}],
 * job} or null. Event: 'act' {act, job}. */
const root = element.querySelector('.under'), find = selector => root.querySelector(selector);

function apply() {
  const value = props.value ?? {};
  root.hidden = !value.what;
  find('.what').textContent = value.what ?? '';
  find('.facts').textContent = value.facts ?? '';
  find('.notes').replaceChildren(...(value.notes ?? []).map(text => Object.assign(document.createElement('p'), { className: 'note', textContent: text })));
  find('.verbs').replaceChildren(...(value.verbs ?? []).map(verb));
}

function verb({ act, label, why }) {
  const made = Object.assign(document.createElement('button'), { type: 'button', textContent: label });
  made.dataset.act = act;
  if (why) {
    made.setAttribute('aria-disabled', 'true');
    made.title = why;
  }
  return made;
}


find('.verbs').addEventListener('click', event => {
  const made = event.target.closest('button');
  if (!made || made.getAttribute('aria-disabled')) return;
  trigger('act', { act: made.dataset.act, job: props.value.job });
});
watch('value', apply);
apply();
